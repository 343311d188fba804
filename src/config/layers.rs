//! Layers of values, highest first: flags, the explicit file, the process environment, `./.env`, defaults. As in the
//! old tool, `./.env` is left alone when a file is named. Values here are text of the right kind, not yet meaning.

use std::{
    collections::BTreeMap,
    fs::Metadata,
    io,
    path::{Path, PathBuf},
};

use super::{
    Environment, Flags, Listen, Problem, Source,
    content::{self, Once},
    dotenv::{self, DotenvFault},
    is_trusted,
    settings::{self, Guard, Kind, SETTINGS, Setting},
    trust,
};
use crate::domain::{message::Message, order};

type Pairs = BTreeMap<String, String>;

/// Every setting that is set, by the layer that won.
#[derive(Default)]
pub(super) struct Values(BTreeMap<&'static str, (String, Source)>);

impl Values {
    /// The text of a setting, its default included; empty = unset.
    pub(super) fn get(&self, name: &str) -> (&str, Source) {
        match self.0.get(name) {
            Some((text, source)) => (text, source.clone()),
            None => (self.text(name), Source::Default),
        }
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or_else(|| settings::find(name).map_or("", |setting| setting.default), |(text, _)| text)
    }
}

/// Whether the layers were read before.
#[derive(Clone, Copy)]
pub(super) enum Reading<'a> {
    First,
    /// With what came out of a pipe then: it is not asked, nor waited for, again.
    Again(Option<&'a Once>),
}

/// What the layers say.
pub(super) struct Read {
    pub(super) values: Values,
    /// The `.env` that was read.
    pub(super) env_file: Option<PathBuf>,
    pub(super) once: Option<Once>,
}

/// Reads all layers.
pub(super) fn read(
    flags: &Flags,
    environment: &Environment,
    reading: Reading<'_>,
    problems: &mut Vec<Problem>,
) -> Read {
    let mut layers: Vec<Layer> = flag_layers(flags);
    let process = Layer { source: Source::Environment, pairs: environment.variables.clone() };
    let mut once = None;
    let (explicit, implicit) = match explicit_path(flags, environment) {
        Some(path) => (explicit_file(path, environment, reading, &mut once, problems), None),
        None => (None, implicit_file(flags, environment, problems)),
    };
    let env_file = explicit.as_ref().or(implicit.as_ref()).map(|(path, _)| path.clone());
    layers.extend(explicit.map(|(_, layer)| layer));
    layers.push(process);
    layers.extend(implicit.map(|(_, layer)| layer));
    unknown_names(&layers, problems);
    Read { values: choose(&layers, problems), env_file, once }
}

/// The `.env` file that counts, whether it is there or not.
pub(crate) fn env_path(flags: &Flags, environment: &Environment) -> PathBuf {
    explicit_path(flags, environment).unwrap_or_else(|| implicit_path(environment))
}

/// The list of those `.env` files that were vouched for, if it has a say.
pub(super) fn trust_list(flags: &Flags, environment: &Environment) -> Option<PathBuf> {
    if explicit_path(flags, environment).is_some() {
        return None;
    }
    trust_dir(flags, environment).map(|folder| trust::list(&folder))
}

/// The state folder as it is without `./.env`, which can't choose who vouches for it: where trust is remembered.
pub(crate) fn state_dir(flags: &Flags, environment: &Environment) -> PathBuf {
    trust_dir(flags, environment).unwrap_or_else(|| environment.cwd.join(".kmi"))
}

/// `~` and relative paths as a shell reads them; `None` when `~` is used and there is no home.
pub(super) fn absolute(text: &str, environment: &Environment) -> Option<PathBuf> {
    let text = text.trim();
    match text.strip_prefix('~') {
        Some("") => environment.home.clone(),
        Some(rest) if rest.starts_with('/') => Some(environment.home.as_ref()?.join(rest.trim_start_matches('/'))),
        _ => Some(environment.cwd.join(text)),
    }
}

struct Layer {
    source: Source,
    pairs: Pairs,
}

/// One layer a flag, so that a problem can name the flag.
fn flag_layers(flags: &Flags) -> Vec<Layer> {
    let layer = |(flag, name, value): (&'static str, &str, String)| Layer {
        source: Source::Flag(flag),
        pairs: order::map([(name.to_owned(), value)]),
    };
    of_flags(flags).map(layer).collect()
}

/// What was typed as flags, by the settings that a file would have instead; folders are where they are from here.
pub(crate) fn typed(flags: &Flags, environment: &Environment) -> Vec<(&'static str, String)> {
    let for_a_file = |name: &str| settings::find(name).is_some_and(|setting| setting.guard != Guard::Never);
    let value = |name: &str, text: String| match settings::find(name).map(|setting| setting.kind) {
        Some(Kind::Path) => environment.cwd.join(text).to_string_lossy().into_owned(),
        _ => text,
    };
    of_flags(flags).filter(|(_, name, _)| for_a_file(name)).map(|(_, name, text)| (name, value(name, text))).collect()
}

/// Flags that were typed: the flag, its setting and its value.
fn of_flags(flags: &Flags) -> impl Iterator<Item = (&'static str, &'static str, String)> {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
    let on = |switch: bool| switch.then(|| "1".to_owned());
    [
        ("--env-file", "KMI_ENV_PATH", path(&flags.env_file)),
        ("--auths-dir", "KMI_AUTHS_DIR", path(&flags.auths_dir)),
        ("--state-dir", "KMI_STATE_DIR", path(&flags.state_dir)),
        ("--listen", "KMI_PROXY_LISTEN", flags.listen.clone()),
        ("--lang", "KMI_LOCALE", flags.lang.clone()),
        ("--theme", "KMI_THEME", flags.theme.clone()),
        ("--fps", "KMI_FPS", flags.fps.clone()),
        ("--reduced-motion", "KMI_REDUCED_MOTION", on(flags.reduced_motion)),
        ("--plain", "KMI_PLAIN", on(flags.plain)),
        ("--no-color", "KMI_NO_COLOR", on(flags.no_color)),
        ("--dry-run", "KMI_DRY_RUN", on(flags.dry_run)),
    ]
    .into_iter()
    .filter_map(|(flag, name, value)| Some((flag, name, value?)))
}

fn explicit_path(flags: &Flags, environment: &Environment) -> Option<PathBuf> {
    match &flags.env_file {
        Some(path) => Some(environment.cwd.join(path)),
        None => absolute(environment.get("KMI_ENV_PATH")?, environment),
    }
}

fn implicit_path(environment: &Environment) -> PathBuf {
    environment.cwd.join(".env")
}

fn explicit_file(
    path: PathBuf,
    environment: &Environment,
    reading: Reading<'_>,
    once: &mut Option<Once>,
    problems: &mut Vec<Problem>,
) -> Option<(PathBuf, Layer)> {
    let read = match reading {
        Reading::First => content::of_named_file(&path),
        Reading::Again(Some(kept)) => Ok((kept.bytes(), Some(kept.clone()))),
        Reading::Again(None) => content::of_plain_file(&path).map(|bytes| (bytes, None)),
    };
    let bytes = read.map_err(|error| unreadable(&error)).map(|(bytes, kept)| {
        *once = kept;
        bytes
    });
    match bytes.and_then(|bytes| parse(&bytes, &path, Some(environment), problems)) {
        Ok(pairs) => Some((path.clone(), Layer { source: Source::File(path), pairs })),
        Err(id) => {
            problems.push(of_file(Problem::fail(Message::new(id)), &path));
            None
        }
    }
}

/// `./.env`, without what it may not set as long as nobody vouched for it; nor does it learn the environment's secrets
/// then, which it could put where others see them. A pipe or a device is left alone.
fn implicit_file(flags: &Flags, environment: &Environment, problems: &mut Vec<Problem>) -> Option<(PathBuf, Layer)> {
    let path = implicit_path(environment);
    path.metadata().ok().filter(Metadata::is_file)?;
    let pairs = content::of_plain_file(&path).map_err(|error| unreadable(&error)).and_then(|bytes| {
        let trusted = trust_dir(flags, environment).is_some_and(|folder| is_trusted(&path, &bytes, &folder));
        let pairs = parse(&bytes, &path, trusted.then_some(environment), problems)?;
        Ok(if trusted { pairs } else { without_guarded(pairs, &path, problems) })
    });
    match pairs {
        Ok(pairs) => Some((path.clone(), Layer { source: Source::File(path), pairs })),
        Err(id) => {
            problems.push(of_file(Problem::warn(Message::new(id)), &path));
            None
        }
    }
}

fn unreadable(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "config-env-missing",
        io::ErrorKind::PermissionDenied => "config-env-denied",
        io::ErrorKind::FileTooLarge => "config-env-large",
        _ => "config-env-unreadable",
    }
}

fn parse(
    bytes: &[u8],
    path: &Path,
    environment: Option<&Environment>,
    problems: &mut Vec<Problem>,
) -> Result<Pairs, &'static str> {
    let lookup = |name: &str| environment?.variables.get(name).cloned();
    let parsed = dotenv::parse(bytes, lookup).map_err(|fault| match fault {
        DotenvFault::TooLarge => "config-env-large",
        DotenvFault::NotUtf8 => "config-env-broken",
    })?;
    if let Some(first) = parsed.bad_lines.first() {
        let message = Message::new("config-env-lines").with("count", parsed.bad_lines.len()).with("line", *first);
        problems.push(of_file(Problem::warn(message), path));
    }
    Ok(order::map(parsed.values.into_iter().filter_map(|(name, value)| Some((name, value?)))))
}

/// The message learns the file too: it is what a person reads.
fn of_file(problem: Problem, path: &Path) -> Problem {
    let message = problem.message.with("file", path.display().to_string());
    Problem { severity: problem.severity, message, file: Some(path.to_owned()) }
}

/// `None` = no home: the current folder is the stranger's, so no list in it counts.
fn trust_dir(flags: &Flags, environment: &Environment) -> Option<PathBuf> {
    let default = settings::find("KMI_STATE_DIR").map_or("", |setting| setting.default);
    match &flags.state_dir {
        Some(path) => absolute(&path.to_string_lossy(), environment),
        None => absolute(environment.get("KMI_STATE_DIR").unwrap_or(default), environment),
    }
}

/// Takes away what a stranger could use, and names it. Defaults do no harm: a copied `.env.example` is not scolded.
fn without_guarded(mut pairs: Pairs, path: &Path, problems: &mut Vec<Problem>) -> Pairs {
    let ignored: Vec<&str> = SETTINGS
        .iter()
        .filter(|setting| pairs.get(setting.name).is_some_and(|value| is_guarded(setting, value)))
        .map(|setting| setting.name)
        .collect();
    pairs.retain(|name, _| !ignored.contains(&name.as_str()));
    if !ignored.is_empty() {
        let message = Message::new("config-untrusted").with("names", ignored.join(", "));
        problems.push(of_file(Problem::warn(message), path));
    }
    pairs
}

fn is_guarded(setting: &Setting, value: &str) -> bool {
    let harmless = value.trim().is_empty() || value.trim() == setting.default;
    !harmless
        && match setting.guard {
            Guard::Trusted => true,
            Guard::LoopbackOnly => !Listen::parse(value).is_some_and(|listen| listen.is_loopback()),
            Guard::Open | Guard::Never => false,
        }
}

fn unknown_names(layers: &[Layer], problems: &mut Vec<Problem>) {
    for layer in layers {
        let file = match &layer.source {
            Source::File(path) => Some(path.clone()),
            _ => None,
        };
        for (name, _) in layer.pairs.iter().filter(|(_, text)| is_set(text)) {
            if let Some(message) = doubt(name, layer, file.is_some()) {
                problems.push(Problem { file: file.clone(), ..Problem::warn(message) });
            }
        }
    }
}

/// What is odd about a name.
fn doubt(name: &str, layer: &Layer, in_file: bool) -> Option<Message> {
    let message = if in_file && settings::find(name).is_some_and(|setting| setting.guard == Guard::Never) {
        Message::new("config-not-in-file")
    } else if settings::is_unknown(name) {
        settings::nearest(name)
            .map_or(Message::new("config-unknown"), |near| Message::new("config-unknown-near").with("near", near))
    } else {
        return None;
    };
    Some(message.with("name", name).with("source", layer.source.message()))
}

/// The highest layer that sets a setting decides. A value of the wrong kind is a problem, and the default stands in, so
/// that the rest can be judged too.
fn choose(layers: &[Layer], problems: &mut Vec<Problem>) -> Values {
    let mut values = Values::default();
    for setting in SETTINGS {
        let set =
            |layer: &&Layer| may_set(setting, layer) && layer.pairs.get(setting.name).is_some_and(|text| is_set(text));
        let Some(layer) = layers.iter().find(set) else { continue };
        let Some(text) = layer.pairs.get(setting.name) else { continue };
        if setting.kind.accepts(text) {
            values.0.insert(setting.name, (text.clone(), layer.source.clone()));
        } else {
            let message = wrong_kind(setting)
                .with("name", setting.name)
                .with("value", setting.shown(text))
                .with("source", layer.source.message());
            problems.push(Problem::fail(message));
        }
    }
    values
}

fn is_set(text: &str) -> bool {
    !text.trim().is_empty()
}

fn may_set(setting: &Setting, layer: &Layer) -> bool {
    setting.guard != Guard::Never || !matches!(layer.source, Source::File(_))
}

/// What the value should have been.
fn wrong_kind(setting: &Setting) -> Message {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    match setting.kind {
        Kind::Number(least, most) => {
            Message::new("config-not-number").with("least", number(least)).with("most", number(most))
        }
        Kind::Word(words) => Message::new("config-not-word").with("words", words.join(", ")),
        Kind::Text | Kind::Secret | Kind::Path | Kind::Switch | Kind::Presence => Message::new("config-not-switch"),
    }
}
