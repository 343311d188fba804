//! Where a key is sent: scheme and authority fixed, only the path below varies. Not a general URL library.

use std::fmt;

use http::uri::{Authority, PathAndQuery, Scheme, Uri};

/// `https://api.kimi.com/coding/v1`: no user, query or fragment, no trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    /// Empty, or starts with `/` and does not end with it.
    path: String,
}

/// Why a text is no base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BaseUrlFault {
    #[error("it is not a URL")]
    Syntax,
    #[error("it has no host")]
    NoHost,
    #[error("it must be https (http only to a loopback address)")]
    Scheme,
    #[error("it must not hold a user name or password")]
    UserInfo,
    #[error("it must not hold a query or a fragment")]
    Query,
}

impl BaseUrl {
    /// Reads a base URL; https only, but http to a loopback address.
    pub(crate) fn parse(text: &str) -> Result<Self, BaseUrlFault> {
        let text = text.trim();
        if text.contains(['?', '#']) {
            return Err(BaseUrlFault::Query);
        }
        let parts = text.parse::<Uri>().map_err(|_| BaseUrlFault::Syntax)?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(BaseUrlFault::NoHost);
        };
        if authority.as_str().contains('@') {
            return Err(BaseUrlFault::UserInfo);
        }
        if authority.host().is_empty() {
            return Err(BaseUrlFault::NoHost);
        }
        let plain_loopback = scheme == Scheme::HTTP && is_loopback(authority.host());
        if scheme != Scheme::HTTPS && !plain_loopback {
            return Err(BaseUrlFault::Scheme);
        }
        let path = parts.path_and_query.as_ref().map_or("", PathAndQuery::path);
        Ok(Self { scheme, authority, path: path.trim_end_matches('/').to_owned() })
    }

    /// The host in lower case, without brackets or port.
    pub(crate) fn host(&self) -> String {
        self.authority.host().trim_matches(['[', ']']).to_ascii_lowercase()
    }

    /// `host`, or `host:port` where the port is written.
    pub(crate) fn authority(&self) -> String {
        self.authority.as_str().to_ascii_lowercase()
    }

    pub(crate) fn port(&self) -> u16 {
        let usual = if self.scheme == Scheme::HTTP { 80 } else { 443 };
        self.authority.port_u16().unwrap_or(usual)
    }

    /// Scheme and authority: what a connection reaches.
    pub(crate) const fn place(&self) -> (&Scheme, &Authority) {
        (&self.scheme, &self.authority)
    }

    pub(crate) fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// What a request's `Host` says: a port only where it is not the usual one.
    pub(crate) fn host_field(&self) -> String {
        let usual = if self.scheme == Scheme::HTTP { 80 } else { 443 };
        let host = self.authority.host();
        match self.authority.port_u16() {
            Some(port) if port != usual => format!("{host}:{port}"),
            _ => host.to_owned(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// What a request line names for `rest` (empty, or starting with `/`) below this base, byte for byte; `None` when it
    /// could name another place.
    pub(crate) fn target(&self, rest: &str, query: Option<&str>) -> Option<String> {
        let fits = rest.is_empty() || rest.starts_with('/');
        fits.then(|| with_query(&[&self.path, rest], query))
    }

    /// The same for an absolute path on this base's host; for the few endpoints that live beside the base.
    pub(crate) fn target_on_host(path: &str, query: Option<&str>) -> Option<String> {
        path.starts_with('/').then(|| with_query(&[path], query))
    }

    /// The URL of the base itself.
    pub(crate) fn uri(&self) -> Option<Uri> {
        let builder = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        let uri = builder.path_and_query(with_query(&[&self.path], None)).build().ok()?;
        (uri.authority() == Some(&self.authority)).then_some(uri)
    }

    /// The URL of a target on this base's host, for people.
    pub(crate) fn url(&self, target: &str) -> String {
        format!("{}://{}{target}", self.scheme, self.authority)
    }
}

fn with_query(path: &[&str], query: Option<&str>) -> String {
    let length = path.iter().map(|part| part.len()).sum::<usize>() + query.map_or(0, str::len) + 2;
    let mut target = String::with_capacity(length);
    path.iter().for_each(|part| target.push_str(part));
    if target.is_empty() {
        target.push('/');
    }
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    target
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

/// Whether `host` (brackets allowed) names this machine only.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_https_and_loopback_http_only() {
        for (text, expected) in [
            ("https://api.kimi.com/coding/v1/", Ok("https://api.kimi.com/coding/v1")),
            ("HTTPS://api.kimi.com", Ok("https://api.kimi.com")),
            ("http://127.0.0.1:9/coding/v1", Ok("http://127.0.0.1:9/coding/v1")),
            ("http://[::1]:9", Ok("http://[::1]:9")),
            ("http://api.kimi.com/v1", Err(BaseUrlFault::Scheme)),
            ("ftp://127.0.0.1/", Err(BaseUrlFault::Scheme)),
            ("https://user:pass@api.kimi.com/", Err(BaseUrlFault::UserInfo)),
            ("https://api.kimi.com/v1?x=1", Err(BaseUrlFault::Query)),
            ("api.kimi.com", Err(BaseUrlFault::NoHost)),
            ("/v1", Err(BaseUrlFault::NoHost)),
            ("https://", Err(BaseUrlFault::Syntax)),
        ] {
            assert_eq!(BaseUrl::parse(text).map(|url| url.to_string()), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_path_can_never_change_the_host() {
        let base = BaseUrl::parse("https://api.kimi.com").expect("valid");
        for rest in ["@evil.test/x", ".evil.test/x", "0/x", "x"] {
            assert_eq!(base.target(rest, None), None, "{rest}");
        }
        let target = base.target("//evil.test/%2F", Some("a=%zz")).expect("a path");
        assert_eq!(base.url(&target), "https://api.kimi.com//evil.test/%2F?a=%zz");
        assert_eq!(base.target("", None).as_deref(), Some("/"));
    }
}
