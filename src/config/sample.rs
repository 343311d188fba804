//! The settings as people read them: a sample `.env` that explains each one in their language. Not their values.

use std::borrow::Cow;

use super::settings::{Guard, SETTINGS, Setting};
use crate::{domain::message::Message, i18n::Words};

/// Where a section of the sample begins: the message that names it, and its first setting.
const SECTIONS: &[(&str, &str)] = &[
    ("settings-places", "KMI_ENV_PATH"),
    ("settings-address", "KMI_PROXY_LISTEN"),
    ("settings-upstream", "KMI_UPSTREAM_BASE_URL"),
    ("settings-rotation", "KMI_AUTO_ROTATE_ALLOWED"),
    ("settings-health", "KMI_PAYMENT_BLOCK_SECONDS"),
    ("settings-remote", "KMI_PROXY_ALLOW_REMOTE"),
    ("settings-limits", "KMI_PROXY_MAX_RPS"),
    ("settings-records", "KMI_TRACE_PROMPTS"),
    ("settings-look", "KMI_TIMEZONE"),
    ("settings-files", "KMI_AUDIT_ACTOR"),
];

/// A `.env` with every setting at its default.
pub(crate) fn sample(words: &Words) -> String {
    written("settings-head", "", words)
}

/// The same for a new file, where nothing is set yet: later defaults are to count.
pub(crate) fn new_file(words: &Words) -> String {
    written("settings-head-new", "#", words)
}

/// Name, default and meaning of every setting.
pub(crate) fn explained(words: &Words) -> impl Iterator<Item = (&'static str, &'static str, String)> {
    SETTINGS.iter().map(|setting| (setting.name, setting.default, meaning(setting, words)))
}

fn written(head: &'static str, mark: &str, words: &Words) -> String {
    let head: String = words.text(head).lines().map(|line| format!("# {line}\n")).collect();
    SETTINGS.iter().fold(head, |text, setting| {
        let section = section(setting).map(|id| format!("\n# --- {} ---\n\n", words.text(id))).unwrap_or_default();
        text + &format!("{section}# {}\n{mark}{}={}\n", meaning(setting, words), setting.name, setting.default)
    })
}

/// The section that begins with this setting.
fn section(setting: &Setting) -> Option<&'static str> {
    SECTIONS.iter().find(|(_, first)| *first == setting.name).map(|(id, _)| *id)
}

/// What it means, and which files may hold it.
fn meaning(setting: &Setting, words: &Words) -> String {
    let guard = match setting.guard {
        Guard::Open => None,
        Guard::LoopbackOnly => Some("settings-loopback-only"),
        Guard::Trusted => Some("settings-trusted"),
        Guard::Never => Some("settings-never"),
    };
    let guard = guard.map(|id| format!(" {}", words.text(id))).unwrap_or_default();
    let id = format!("setting-{}", setting.name.to_lowercase().replace('_', "-"));
    format!("{}{guard}", words.render(&Message { id: Cow::Owned(id), arguments: Vec::new() }))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{super::settings::Kind, *};
    use crate::{i18n::Locale, page};

    /// Words that only the page has.
    struct Page {
        locale: Locale,
        path: &'static str,
        head: &'static str,
        /// Values of `Text`, `Secret`, `Path`, `Presence`.
        kinds: [&'static str; 4],
        /// When a change counts: after a restart, at once.
        change: [&'static str; 2],
    }

    const PAGES: &[Page] = &[
        Page {
            locale: Locale::English,
            path: "docs/settings.md",
            head: "| variable | default | values | a change counts | |",
            kinds: ["text", "secret", "path", "anything"],
            change: ["after a restart", "at once"],
        },
        Page {
            locale: Locale::Russian,
            path: "docs/ru/settings.md",
            head: "| переменная | по умолчанию | значения | изменение действует | |",
            kinds: ["текст", "секрет", "путь", "любое"],
            change: ["после перезапуска", "сразу"],
        },
    ];

    #[test]
    fn the_sample_and_the_pages_are_the_table() {
        for page in PAGES {
            let words = Words::new(page.locale, TimeZone::UTC);
            let text = sample(&words);
            assert_eq!(words.faults(), Vec::<String>::new(), "i18n/{}/settings.ftl explains it", page.locale.tag());
            if page.locale == Locale::English {
                page::is("assets/.env.example", &text);
            }
            page::holds(page.path, &sections(page, &words));
        }
    }

    #[test]
    fn only_settings_are_explained() {
        let told = include_str!("../../i18n/en/settings.ftl").lines().filter_map(|line| line.split_once(" = "));
        let told: Vec<String> = told
            .filter_map(|(id, _)| id.strip_prefix("setting-"))
            .map(|name| name.to_uppercase().replace('-', "_"))
            .collect();
        let names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(told, names, "what i18n/en/settings.ftl explains, in the order of the table");
        for (_, first) in SECTIONS {
            assert!(names.contains(first), "no section can begin with {first}");
        }
    }

    /// The table as a page shows it, a heading for each section.
    fn sections(page: &Page, words: &Words) -> String {
        let row = |setting: &Setting| {
            let heading = |id| format!("\n## {}\n\n{}\n|---|---|---|---|---|\n", words.text(id), page.head);
            let heading = section(setting).map(heading).unwrap_or_default();
            let default = if setting.default.is_empty() { String::new() } else { format!("`{}` ", setting.default) };
            let (values, change) = (values(setting.kind, page), page.change[usize::from(setting.live)]);
            let meaning = meaning(setting, words).replace('*', "\\*");
            format!("{heading}| `{}` | {default}| {values} | {change} | {meaning} |\n", setting.name)
        };
        SETTINGS.iter().map(row).collect::<String>().trim_start().to_owned()
    }

    fn values(kind: Kind, page: &Page) -> String {
        let code = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" ");
        match kind {
            Kind::Text => page.kinds[0].to_owned(),
            Kind::Secret => page.kinds[1].to_owned(),
            Kind::Path => page.kinds[2].to_owned(),
            Kind::Presence => page.kinds[3].to_owned(),
            Kind::Switch => code(&["0", "1"]),
            Kind::Number(least, most) => format!("{least} – {most}"),
            Kind::Word(known) => code(known),
        }
    }
}
