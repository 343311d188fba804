//! Which part of the proxy a request target names, from its raw bytes. Never decoded and passed on: only decoded to refuse.

use http::Uri;

/// What a target names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Below the base path: the rest, empty or starting with `/`, as it came.
    Below(String),
    /// The base path itself or its parent: clients look there whether somebody is home.
    Doorstep,
    /// `/healthz`.
    Alive,
    /// `/readyz`.
    Ready,
}

/// Why a target is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadTarget {
    /// Absolute form, authority form or `*`.
    Form,
    /// Tries to leave the base path.
    Escape,
    /// Names nothing here.
    Elsewhere,
}

/// Reads a target. A doubled `/v1/v1` counts as one: a common slip in client settings.
pub(super) fn read(uri: &Uri, base_path: &str) -> Result<Target, BadTarget> {
    if uri.scheme().is_some() || uri.authority().is_some() || !uri.path().starts_with('/') {
        return Err(BadTarget::Form);
    }
    let path = uri.path();
    match path {
        "/healthz" => return Ok(Target::Alive),
        "/readyz" => return Ok(Target::Ready),
        _ => {}
    }
    let parent = base_path.rsplit_once('/').map_or("", |(parent, _)| parent);
    if path.trim_end_matches('/') == parent.trim_end_matches('/') && path.len() <= parent.len() + 1 {
        return Ok(Target::Doorstep);
    }
    let rest = path.strip_prefix(base_path).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let rest = without_doubled_version(rest.ok_or(BadTarget::Elsewhere)?, base_path);
    // What is judged is what will be sent.
    if leaves(rest) {
        return Err(BadTarget::Escape);
    }
    if matches!(rest, "" | "/") { Ok(Target::Doorstep) } else { Ok(Target::Below(rest.to_owned())) }
}

fn without_doubled_version<'a>(rest: &'a str, base_path: &str) -> &'a str {
    let doubled = base_path.ends_with("/v1").then(|| rest.strip_prefix("/v1")).flatten();
    doubled.filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(rest)
}

/// Whether some server on the way could read the rest as another place: dot segments in any disguise, or a new root.
fn leaves(rest: &str) -> bool {
    // Without these no segment is other than it looks.
    if !rest.contains("/.") && !rest.contains(['%', '\\', ';']) {
        return rest.starts_with("//");
    }
    let plain =
        rest.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/").replace('\\', "/");
    rest.starts_with("//")
        || plain.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).any(|segment| {
            let segment = segment.replace("%3b", ";");
            matches!(segment.split(';').next(), Some("." | ".."))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn below(rest: &str) -> Result<Target, BadTarget> {
        Ok(Target::Below(rest.to_owned()))
    }

    #[test]
    fn targets_are_read_from_their_raw_bytes() {
        for (target, expected) in [
            ("/kmi-rotor/v1/chat/completions", below("/chat/completions")),
            ("/kmi-rotor/v1/v1/messages?beta=true", below("/messages")),
            ("/kmi-rotor/v1/v12/x", below("/v12/x")),
            ("/kmi-rotor/v1/a%2Fb%00%zz;=:@!$&'()*+,~", below("/a%2Fb%00%zz;=:@!$&'()*+,~")),
            ("/kmi-rotor/v1/files/..hidden/a...b", below("/files/..hidden/a...b")),
            ("/kmi-rotor", Ok(Target::Doorstep)),
            ("/kmi-rotor/", Ok(Target::Doorstep)),
            ("/kmi-rotor/v1", Ok(Target::Doorstep)),
            ("/kmi-rotor/v1/", Ok(Target::Doorstep)),
            ("/healthz", Ok(Target::Alive)),
            ("/readyz", Ok(Target::Ready)),
            ("/", Err(BadTarget::Elsewhere)),
            ("/kmi-rotor/v1x/models", Err(BadTarget::Elsewhere)),
            ("/kmi-rotor/v1@evil.test/x", Err(BadTarget::Elsewhere)),
            ("/kmi-rotor/v1.evil.test/x", Err(BadTarget::Elsewhere)),
            ("/KMI-ROTOR/v1/models", Err(BadTarget::Elsewhere)),
            ("/kmi-rotor%2fv1/models", Err(BadTarget::Elsewhere)),
            ("//evil.test/kmi-rotor/v1/models", Err(BadTarget::Elsewhere)),
            ("/kmi-rotor/v1//evil.test/x", Err(BadTarget::Escape)),
            ("/kmi-rotor/v1/v1//evil.test/x", Err(BadTarget::Escape)),
            ("/kmi-rotor/v1/v1/../admin", Err(BadTarget::Escape)),
            ("/kmi-rotor/v1/../admin", Err(BadTarget::Escape)),
            ("/kmi-rotor/v1/a/%2e%2E/%2e./admin", Err(BadTarget::Escape)),
            ("/kmi-rotor/v1/..%2fadmin", Err(BadTarget::Escape)),
            ("/kmi-rotor/v1/..%5cadmin", Err(BadTarget::Escape)),
            ("/kmi-rotor/v1/..;x/admin", Err(BadTarget::Escape)),
            ("/kmi-rotor/v1/..%3bx/admin", Err(BadTarget::Escape)),
            ("http://evil.test/kmi-rotor/v1/models", Err(BadTarget::Form)),
            ("evil.test:443", Err(BadTarget::Form)),
            ("*", Err(BadTarget::Form)),
        ] {
            let uri: Uri = target.parse().expect(target);
            assert_eq!(read(&uri, "/kmi-rotor/v1"), expected, "{target}");
        }
    }

    proptest! {
        #[test]
        fn no_spoilt_target_breaks_it_or_leaves_the_base_path(
            tail in r"(/|//|\\|\.|\.\.|%2[eEfF]|%5[cC]|%3[bB]|%|;|@|:|\?|#|v1|[a-z0-9]|\PC){0,16}",
        ) {
            let path = format!("/kmi-rotor/v1{tail}");
            let Ok(uri) = path.parse::<Uri>() else { return Ok(()) };
            if let Ok(Target::Below(rest)) = read(&uri, "/kmi-rotor/v1") {
                prop_assert!(rest.starts_with('/') && !rest.starts_with("//"), "{rest:?}");
                prop_assert!(uri.path().ends_with(&rest), "byte for byte: {rest:?}");
                let plain = rest.to_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/").replace('\\', "/");
                prop_assert!(plain.split('/').all(|segment| segment != ".." && segment != "."), "{rest:?}");
                let joined: Uri = format!("https://host.test/coding/v1{rest}").parse().expect("a URL");
                prop_assert_eq!(joined.host(), Some("host.test"));
            }
        }
    }
}
