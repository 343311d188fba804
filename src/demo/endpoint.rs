//! Which of the API's endpoints a request names, and in which dialect it is answered. Not the answers (`answers`).

use http::Method;

/// An endpoint below a base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Models,
    Usages,
    Me,
    Balance,
    Chat,
    Messages,
    CountTokens,
    Search,
    Fetch,
    Files,
    /// The simulator's own: tells what it was sent.
    Echo,
    Unknown,
}

/// Whose API the errors look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    OpenAi,
    Anthropic,
}

const CODING: &str = "/coding/v1";
const PLATFORM: &str = "/v1";
const PLATFORM_ANTHROPIC: &str = "/anthropic/v1";

const ENDPOINTS: [(Option<Method>, &str, Endpoint); 11] = [
    (Some(Method::GET), "/models", Endpoint::Models),
    (Some(Method::GET), "/usages", Endpoint::Usages),
    (Some(Method::GET), "/me", Endpoint::Me),
    (Some(Method::GET), "/users/me/balance", Endpoint::Balance),
    (Some(Method::POST), "/chat/completions", Endpoint::Chat),
    (Some(Method::POST), "/messages", Endpoint::Messages),
    (Some(Method::POST), "/messages/count_tokens", Endpoint::CountTokens),
    (Some(Method::POST), "/search", Endpoint::Search),
    (Some(Method::POST), "/fetch", Endpoint::Fetch),
    (Some(Method::POST), "/files", Endpoint::Files),
    (None, "/echo", Endpoint::Echo),
];

impl Endpoint {
    pub(super) fn of(method: &Method, path: &str) -> Self {
        [CODING, PLATFORM_ANTHROPIC, PLATFORM]
            .into_iter()
            .find_map(|base| path.strip_prefix(base).map(|rest| Self::below(base, method, rest)))
            .unwrap_or(Self::Unknown)
    }

    /// Whether it takes from the quota and counts among the chats at once.
    pub(super) fn is_chat(self) -> bool {
        matches!(self, Self::Chat | Self::Messages)
    }

    pub(super) fn dialect(self) -> Dialect {
        match self {
            Self::Messages | Self::CountTokens => Dialect::Anthropic,
            _ => Dialect::OpenAi,
        }
    }

    fn below(base: &str, method: &Method, rest: &str) -> Self {
        let known = ENDPOINTS
            .iter()
            .find(|(wanted, path, _)| *path == rest && wanted.as_ref().is_none_or(|wanted| wanted == method))
            .map_or(Self::Unknown, |(_, _, endpoint)| *endpoint);
        let served = match (base, known.dialect()) {
            (PLATFORM, Dialect::Anthropic) | (PLATFORM_ANTHROPIC, Dialect::OpenAi) => false,
            (PLATFORM, _) => known != Self::Usages,
            _ => true,
        };
        if served { known } else { Self::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_base_serves_what_the_real_one_does() {
        for (method, path, expected) in [
            (Method::POST, "/coding/v1/chat/completions", Endpoint::Chat),
            (Method::POST, "/coding/v1/messages", Endpoint::Messages),
            (Method::GET, "/coding/v1/messages", Endpoint::Unknown),
            (Method::POST, "/v1/chat/completions", Endpoint::Chat),
            (Method::POST, "/v1/messages", Endpoint::Unknown),
            (Method::POST, "/anthropic/v1/messages", Endpoint::Messages),
            (Method::POST, "/anthropic/v1/chat/completions", Endpoint::Unknown),
            (Method::GET, "/v1/usages", Endpoint::Unknown),
            (Method::GET, "/v1/users/me/balance", Endpoint::Balance),
            (Method::PATCH, "/coding/v1/echo", Endpoint::Echo),
            (Method::GET, "/coding/v1/", Endpoint::Unknown),
            (Method::GET, "/", Endpoint::Unknown),
        ] {
            assert_eq!(Endpoint::of(&method, path), expected, "{method} {path}");
        }
    }
}
