//! The hosts that may be sent a key. Pure; a stranger's auth file could name any host.

use crate::domain::base_url::{BaseUrl, is_loopback};

/// Kimi's and Moonshot's API hosts.
const ALWAYS: &[&str] = &["api.kimi.com", "api.kimi.ai", "api.moonshot.ai", "api.moonshot.cn"];

/// KMI_UPSTREAM_ALLOWLIST added to what is always allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Allowlist {
    extra: Vec<String>,
}

impl Allowlist {
    /// `host, *.domain, *`: commas between, case and blanks do not matter.
    pub(crate) fn new(extra: &str) -> Self {
        let entries = extra.split(',').map(|entry| entry.trim().trim_matches(['[', ']']).to_ascii_lowercase());
        Self { extra: entries.filter(|entry| !matches!(entry.as_str(), "" | "*.")).collect() }
    }

    pub(crate) fn allows(&self, url: &BaseUrl) -> bool {
        let host = url.host();
        is_loopback(&host) || ALWAYS.contains(&host.as_str()) || self.extra.iter().any(|entry| matches(entry, &host))
    }
}

/// `*.d` is any host below `d`, not `d` itself.
fn matches(entry: &str, host: &str) -> bool {
    match entry.strip_prefix("*.") {
        Some(domain) => host.strip_suffix(domain).is_some_and(|below| below.len() > 1 && below.ends_with('.')),
        None => entry == "*" || entry == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_hosts_are_sent_a_key() {
        for (extra, url, expected) in [
            ("", "https://api.kimi.com/coding/v1", true),
            ("", "https://API.moonshot.cn/v1", true),
            ("", "http://127.0.0.1:9/v1", true),
            ("", "https://evil.test", false),
            ("", "https://api.kimi.com.evil.test", false),
            (" Proxy.Example.com ,", "https://proxy.example.com", true),
            ("*.example.com", "https://a.b.example.com", true),
            ("*.example.com", "https://example.com", false),
            ("*.example.com", "https://badexample.com", false),
            ("*", "https://evil.test", true),
            ("*.", "https://evil.test.", false),
            ("[2001:DB8::1]", "https://[2001:db8::1]:443/v1", true),
            ("2001:db8::1", "https://[2001:db8::1]/v1", true),
        ] {
            let url = BaseUrl::parse(url).expect(url);
            assert_eq!(Allowlist::new(extra).allows(&url), expected, "{extra:?} {url}");
        }
    }
}
