//! Who may come in: the form of the request, its `Host` and `Origin`. Before the body is read; no key is touched. Not the
//! token (`token`), which is asked for here.

use std::net::IpAddr;

use http::{Method, StatusCode};

use super::{
    Settings,
    answers::Refusal,
    target::{self, BadTarget, Target},
};
use crate::{
    domain::base_url::is_loopback,
    http1::{Fields, RequestHead},
};

/// Checks a request in the order that gives least away, and says what its target names.
pub(super) fn check(settings: &Settings, request: &RequestHead, peer: IpAddr) -> Result<Target, Refusal> {
    let target = target::read(&request.uri, &settings.base_path);
    if let Err(BadTarget::Form) = target {
        return Err(bad("bad_target", "The request target must be a path", "This is not an open proxy."));
    }
    check_method(&request.method)?;
    let fields = &request.fields;
    let host = check_host(fields, settings)?;
    check_origin(fields, host, settings)?;
    if let Ok(open @ (Target::Alive | Target::Ready)) = target {
        return Ok(open);
    }
    settings.door.check(fields, peer)?;
    target.map_err(|bad_target| match bad_target {
        BadTarget::Elsewhere => Refusal::of_request(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing at this path",
            "Point the client at kmi-tui's base path, http://127.0.0.1:54123/kmi-rotor/v1 by default.",
        ),
        BadTarget::Escape | BadTarget::Form => bad(
            "bad_target",
            "The path tries to leave the base path",
            "Dot segments and empty segments at its start are refused.",
        ),
    })
}

fn check_method(method: &Method) -> Result<(), Refusal> {
    if !matches!(*method, Method::CONNECT | Method::TRACE) {
        return Ok(());
    }
    Err(Refusal::of_request(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This method is not served",
        "CONNECT would make this an open proxy; TRACE would echo the key.",
    ))
}

/// Exactly one `Host`; on a loopback bind it must name this machine (DNS rebinding).
fn check_host<'a>(fields: &'a Fields, settings: &Settings) -> Result<&'a str, Refusal> {
    let mut hosts = fields.all("host");
    let (Some(value), None) = (hosts.next(), hosts.next()) else {
        return Err(bad("bad_host", "Exactly one Host header is needed", "HTTP/1.1 asks for it."));
    };
    let Some(host) = std::str::from_utf8(value).ok().and_then(host_of) else {
        return Err(bad("bad_host", "The Host header is not a host", "HTTP/1.1 asks for host[:port]."));
    };
    if settings.local_only() && !is_loopback(host) && !host.eq_ignore_ascii_case(&settings.host) {
        return Err(forbidden(
            "foreign_host",
            "This Host is not served",
            "kmi-tui listens on loopback and serves only loopback names.",
        ));
    }
    Ok(host)
}

/// A page of another site must not spend quota; a page of this machine may.
fn check_origin(fields: &Fields, host: &str, settings: &Settings) -> Result<(), Refusal> {
    let cross_site = fields.all("sec-fetch-site").any(|site| site.eq_ignore_ascii_case(b"cross-site"));
    let foreign = fields.all("origin").any(|origin| {
        let origin = std::str::from_utf8(origin).ok().and_then(origin_host);
        origin.is_none_or(|origin| {
            let same = origin.eq_ignore_ascii_case(host);
            if settings.local_only() { !is_loopback(origin) } else { !same }
        })
    });
    if cross_site || foreign {
        return Err(forbidden(
            "foreign_origin",
            "Requests of web pages are not served",
            "kmi-tui is for programs, not for web sites.",
        ));
    }
    Ok(())
}

/// The host of `host[:port]`, brackets kept off; `None` when it is anything else.
fn host_of(text: &str) -> Option<&str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port_fine = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| !port.starts_with('+') && port.parse::<u16>().is_ok());
    let name_fine =
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte));
    (port_fine && name_fine).then_some(host)
}

fn origin_host(origin: &str) -> Option<&str> {
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))?;
    host_of(rest)
}

fn bad(code: &'static str, message: &str, hint: &'static str) -> Refusal {
    Refusal::of_request(StatusCode::BAD_REQUEST, code, message, hint)
}

fn forbidden(code: &'static str, message: &str, hint: &'static str) -> Refusal {
    Refusal::of_request(StatusCode::FORBIDDEN, code, message, hint)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{domain::key::Secret, proxy::token::Door};

    fn settings(host: &str, token: Option<&str>) -> Settings {
        Settings {
            base_path: "/kmi-rotor/v1".to_owned(),
            host: host.to_owned(),
            door: Door::new(token.map(|token| Secret::new(token).expect("valid")), false),
            max_body: 1,
            max_connections: 1,
            deadline: Duration::from_secs(600),
            idle_timeout: Duration::from_secs(1),
            headers: true,
            trace_prompts: true,
            dry_run: false,
        }
    }

    fn status_of(settings: &Settings, headers: &[(&str, &str)]) -> u16 {
        let text: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("GET /kmi-rotor/v1/models HTTP/1.1\r\n{text}\r\n");
        let (request, _) = RequestHead::parse(head.as_bytes()).expect("a head").expect("whole");
        let peer = IpAddr::from([127, 0, 0, 1]);
        check(settings, &request, peer).map_or_else(|refusal| refusal.status.as_u16(), |_| 200)
    }

    #[test]
    fn hosts_of_this_machine_are_served_and_no_others() {
        let local = settings("127.0.0.1", None);
        for (host, expected) in [
            ("localhost", 200),
            ("LOCALHOST:54123", 200),
            ("127.0.0.1:54123", 200),
            ("[::1]:54123", 200),
            ("evil.test", 403),
            ("localhost.evil.test", 403),
            ("127.0.0.1.evil.test", 403),
            ("2130706433", 403),
            ("user@localhost", 400),
            ("localhost:99999", 400),
            ("localhost:", 400),
            ("[::1", 400),
            ("a b", 400),
            ("localhost/x?", 400),
        ] {
            assert_eq!(status_of(&local, &[("host", host)]), expected, "{host}");
        }
        assert_eq!(status_of(&local, &[]), 400);
        assert_eq!(status_of(&local, &[("host", "localhost"), ("host", "localhost")]), 400);
        assert_eq!(status_of(&settings("0.0.0.0", None), &[("host", "my.host")]), 200);
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let local = settings("127.0.0.1", None);
        for (name, value, expected) in [
            ("origin", "https://evil.test", 403),
            ("origin", "null", 403),
            ("origin", "http://localhost.evil.test", 403),
            ("origin", "http://localhost:3000", 200),
            ("sec-fetch-site", "cross-site", 403),
            ("sec-fetch-site", "Cross-Site", 403),
            ("sec-fetch-mode", "cors", 200),
        ] {
            assert_eq!(status_of(&local, &[("host", "localhost"), (name, value)]), expected, "{name}: {value}");
        }
    }

    #[test]
    fn the_token_opens_by_any_of_three_headers() {
        let locked = settings("127.0.0.1", Some("a-token-of-some-length"));
        for (name, value, expected) in [
            ("authorization", "Bearer a-token-of-some-length", 200),
            ("authorization", "bearer  a-token-of-some-length", 200),
            ("x-api-key", "a-token-of-some-length", 200),
            ("x-kmi-proxy-token", "a-token-of-some-length", 200),
            ("authorization", "Bearer a-token-of-some-lengtH", 401),
            ("authorization", "Bearer é", 401),
            ("authorization", "a-token-of-some-length", 401),
            ("x-api-key", "", 401),
        ] {
            assert_eq!(status_of(&locked, &[("host", "localhost"), (name, value)]), expected, "{name}: {value}");
        }
        let both =
            [("host", "localhost"), ("authorization", "Bearer x"), ("x-kmi-proxy-token", "a-token-of-some-length")];
        assert_eq!(status_of(&locked, &both), 200);
    }
}
