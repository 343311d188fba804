//! Where the person's clients send their requests: to the proxy, past it, or to it by a wrong path.

use super::Seen;
use crate::{
    doctor::facts::{Client, ClientKey, Facts, Place, Style},
    domain::{base_url, message::Message},
};

/// Hosts of the upstream itself, beside those that keys are sent to.
const UPSTREAM: &[&str] = &["kimi.com", "moonshot.ai", "moonshot.cn"];

/// Where an address leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    Proxy,
    /// To the proxy, with `/v1` where the client adds its own: it is let pass.
    Doubled,
    /// To the proxy's port, with another path or scheme.
    Beside,
    /// To another port of this machine.
    OtherPort,
    Upstream,
    Elsewhere,
}

pub(super) fn clients(facts: &Facts) -> Vec<Seen> {
    let ours = Place::read(&facts.snapshot.setup.address).map(within_reach);
    if facts.clients.is_empty() {
        let fix = ours.filter(|place| place.port > 0).map(|place| {
            let anthropic = wanted(&place, Style::Anthropic).to_string();
            Message::new("doctor-clients-none-fix").with("address", place.to_string()).with("anthropic", anthropic)
        });
        let seen = Seen::info(Message::new("doctor-clients-none"));
        return vec![match fix {
            Some(fix) => seen.fix(fix),
            None => seen,
        }];
    }
    let hosts: Vec<&str> = facts.hosts.iter().map(|fact| fact.host.as_str()).collect();
    facts.clients.iter().map(|client| judge(client, ours.as_ref(), &hosts)).collect()
}

fn judge(client: &Client, ours: Option<&Place>, hosts: &[&str]) -> Seen {
    let what = |id| Message::new(id).with("program", client.program).with("place", client.place.as_str());
    let Some(base) = &client.base else {
        return Seen::warn(what("doctor-clients-unreadable")).fix(Message::new("doctor-clients-unreadable-fix"));
    };
    // Any free port: nobody knows yet where the proxy will be.
    let Some(ours) = ours.filter(|place| place.port > 0) else {
        return Seen::info(what("doctor-clients-unknown").with("base", base.to_string()));
    };
    let what = |id| what(id).with("base", base.to_string());
    let right = || Message::new("doctor-clients-fix").with("address", wanted(ours, client.style).to_string());
    match (aim(base, client.style, ours, hosts), client.key) {
        (Aim::Proxy, ClientKey::Missing(name)) => {
            Seen::warn(what("doctor-clients-no-key").with("name", name)).fix(Message::new("doctor-clients-no-key-fix"))
        }
        (Aim::Proxy | Aim::Doubled, ClientKey::Wrong) => {
            Seen::warn(what("doctor-clients-wrong-key")).fix(Message::new("doctor-clients-wrong-key-fix"))
        }
        (Aim::Proxy, ClientKey::Fits) => Seen::ok(what("doctor-clients-proxy")),
        (Aim::Doubled, _) => Seen::info(what("doctor-clients-doubled")).fix(right()),
        (Aim::Beside, _) => Seen::warn(what("doctor-clients-beside")).fix(right()),
        (Aim::OtherPort, _) => Seen::warn(what("doctor-clients-other-port")).fix(right()),
        (Aim::Upstream, _) => Seen::warn(what("doctor-clients-upstream")).fix(right()),
        (Aim::Elsewhere, _) => Seen::info(what("doctor-clients-elsewhere")),
    }
}

fn aim(base: &Place, style: Style, ours: &Place, hosts: &[&str]) -> Aim {
    let here = base_url::is_loopback(&base.host) || base.host == ours.host;
    let wanted = wanted(ours, style);
    let doubled = format!("{}/v1", wanted.path);
    let is = |name: &str| base.host == name || base.host.ends_with(&format!(".{name}"));
    let known = |host: &&str| host.split(':').next() == Some(base.host.as_str());
    match here {
        true if base.port != ours.port && hosts.contains(&format!("{}:{}", base.host, base.port).as_str()) => {
            Aim::Upstream
        }
        true if base.port != ours.port => Aim::OtherPort,
        true if base.scheme != ours.scheme => Aim::Beside,
        true if base.path == wanted.path => Aim::Proxy,
        true if base.path == doubled => Aim::Doubled,
        true => Aim::Beside,
        false if UPSTREAM.iter().any(|name| is(name)) || hosts.iter().any(known) => Aim::Upstream,
        false => Aim::Elsewhere,
    }
}

/// What a client of this style is to be told: Anthropic's add `/v1` themselves.
fn wanted(ours: &Place, style: Style) -> Place {
    let path = match style {
        Style::OpenAi => ours.path.as_str(),
        Style::Anthropic => ours.path.strip_suffix("/v1").unwrap_or(&ours.path),
    };
    Place { path: path.to_owned(), ..ours.clone() }
}

/// Nobody connects to "any address"; this machine's clients go to this machine.
fn within_reach(ours: Place) -> Place {
    match ours.host.as_str() {
        "0.0.0.0" => Place { host: "127.0.0.1".to_owned(), ..ours },
        "::" => Place { host: "::1".to_owned(), ..ours },
        _ => ours,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_aim_is_told_from_the_others() {
        use Aim::{Beside, Doubled, Elsewhere, OtherPort, Proxy, Upstream};
        use Style::{Anthropic, OpenAi};
        let ours = Place::read("http://127.0.0.1:54123/kmi-rotor/v1").expect("an address");
        let hosts = ["keys.example", "127.0.0.1:9"];
        for (base, style, expected) in [
            ("http://127.0.0.1:54123/kmi-rotor/v1", OpenAi, Proxy),
            ("http://localhost:54123/kmi-rotor/v1/", OpenAi, Proxy),
            ("http://127.0.0.1:54123/kmi-rotor", Anthropic, Proxy),
            ("http://127.0.0.1:54123/kmi-rotor/v1", Anthropic, Doubled),
            ("http://127.0.0.1:54123/kmi-rotor/v1/v1", OpenAi, Doubled),
            ("http://127.0.0.1:54123/kmi-rotor", OpenAi, Beside),
            ("https://127.0.0.1:54123/kmi-rotor/v1", OpenAi, Beside),
            ("http://127.0.0.1:54123", Anthropic, Beside),
            ("http://127.0.0.1:8080/v1", OpenAi, OtherPort),
            ("http://127.0.0.1:9/v1", OpenAi, Upstream),
            ("https://api.kimi.com/coding/v1", OpenAi, Upstream),
            ("https://api.moonshot.cn/v1", OpenAi, Upstream),
            ("https://keys.example/v1", OpenAi, Upstream),
            ("https://notkimi.com/v1", OpenAi, Elsewhere),
            ("https://api.openai.com/v1", OpenAi, Elsewhere),
        ] {
            let place = Place::read(base).expect("an address");
            assert_eq!(aim(&place, style, &ours, &hosts), expected, "{base} {style:?}");
        }
    }

    #[test]
    fn an_address_for_all_is_reached_on_this_machine() {
        for (listening, expected) in [
            ("http://0.0.0.0:1/v1", "http://127.0.0.1:1/v1"),
            ("http://[::]:1/v1", "http://[::1]:1/v1"),
            ("http://192.168.0.2:1/v1", "http://192.168.0.2:1/v1"),
        ] {
            let place = within_reach(Place::read(listening).expect("an address"));
            assert_eq!(place.to_string(), expected);
        }
    }
}
