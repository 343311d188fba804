//! Changes that are told: with made-up events on paused time, and with the system's own on real folders.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use jiff::tz::TimeZone;
use notify::{
    Event, EventKind,
    event::{AccessKind, AccessMode, CreateKind, DataChange, Flag, ModifyKind, RemoveKind},
};
use tempfile::TempDir;
use tokio::time::timeout;

use super::{ears::News, *};
use crate::{
    config::load,
    i18n::{Locale, Words},
};

const HOUR: Duration = Duration::from_secs(3600);
/// For a slow machine; nothing takes so long.
const LONG: Duration = Duration::from_secs(60);
const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        fs::create_dir_all(place.path("auths/team")).expect("made");
        fs::create_dir(place.path("cwd")).expect("made");
        place
    }

    /// By its real name, as events have it.
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().expect("there").join(name)
    }

    fn write(&self, name: &str, contents: &str) {
        fs::write(self.path(name), contents).expect("written");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    fn watched(&self) -> Watched {
        Watched { auths_dir: self.path("auths"), files: vec![self.path("cwd/.env")] }
    }

    /// A watcher whose only events are made up.
    fn deaf(&self) -> Watcher {
        Watcher::with(self.watched(), Pace::default(), |_| Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch)))
    }

    /// A watcher of real events, which leaves nothing to the net, where the system has events.
    fn listening(&self) -> Watcher {
        let pace = |net| Pace { quiet: Duration::from_millis(20), most: Duration::from_millis(200), net };
        let watcher = Watcher::new(self.watched(), pace(HOUR));
        match watcher.fault {
            None => watcher,
            Some(_) => Watcher::new(self.watched(), pace(Duration::from_millis(100))),
        }
    }
}

impl Watcher {
    async fn told(&mut self) {
        timeout(LONG, self.changed()).await.expect("a change is told");
    }

    fn hear(&self, kind: EventKind, path: &Path) {
        self.ears.hear(Ok(Event::new(kind).add_path(path.to_owned())));
    }

    /// Whether the folder's events come, if any do.
    fn is_armed(&self, folder: &Path) -> bool {
        self.fault.is_some() || lock(&self.eye).is_armed(folder)
    }
}

#[test]
fn what_counts_is_what_the_settings_are_read_from() {
    let root = tempfile::tempdir().expect("a folder");
    let (cwd, home) = (root.path().join("cwd"), root.path().join("home"));
    let mut environment = Environment { cwd: cwd.clone(), home: Some(home.clone()), ..Environment::default() };
    let watched = |flags: &Flags, environment: &Environment| {
        let config = load(flags, environment).expect("good settings").config;
        Watched::new(&config, flags, environment)
    };
    let auths_dir = home.join(".kimi/_auths");
    let files = vec![cwd.join(".env"), home.join(".kmi/trusted.json")];
    assert_eq!(watched(&Flags::default(), &environment), Watched { auths_dir: auths_dir.clone(), files });
    fs::create_dir(&cwd).expect("made");
    fs::write(cwd.join("named.env"), "").expect("written");
    let named = Flags { env_file: Some("named.env".into()), ..Flags::default() };
    let files = vec![cwd.join("named.env")];
    assert_eq!(watched(&named, &environment), Watched { auths_dir: auths_dir.clone(), files: files.clone() });
    environment.variables.insert("KMI_ENV_PATH".to_owned(), "named.env".to_owned());
    assert_eq!(watched(&Flags::default(), &environment), Watched { auths_dir, files });
}

#[test]
fn events_are_judged_by_what_they_are_and_where() {
    let place = Place::new();
    let ears = place.deaf().ears;
    let heard = |kind, path: &str| {
        let before = ears.count();
        ears.hear(Ok(Event::new(kind).add_path(place.path(path))));
        (ears.count() > before).then(|| ears.take())
    };
    let (file, folder) = (News { file: true, folder: false }, News { file: false, folder: true });
    let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
    let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
    for (kind, path, expected) in [
        (WRITTEN, "auths/a.env", Some(file)),
        (WRITTEN, "auths/team/a.TOML", Some(file)),
        (closed, "auths/a.json.bak", Some(file)),
        (EventKind::Remove(RemoveKind::File), "auths/a.json", Some(file)),
        (opened, "auths/a.env", None),
        (opened, "auths", None),
        (WRITTEN, "auths/a.env.swp", Some(News::default())),
        (EventKind::Create(CreateKind::Folder), "auths/new", Some(News::default())),
        (WRITTEN, "auths/team/deeper/a.env", None),
        (EventKind::Remove(RemoveKind::Folder), "auths/team", Some(folder)),
        (EventKind::Remove(RemoveKind::Folder), "auths", Some(News { file: true, folder: true })),
        (closed, "cwd/.env", Some(file)),
        (WRITTEN, "cwd/a.env", None),
        (EventKind::Create(CreateKind::Folder), "cwd/target", None),
        (WRITTEN, "other/a.env", None),
    ] {
        assert_eq!(heard(kind, path), expected, "{kind:?} {path}");
    }
    for lost in [Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)), Err(notify::Error::generic("it broke"))] {
        ears.hear(lost);
        assert_eq!(ears.take(), folder);
    }
}

#[tokio::test(start_paused = true)]
async fn without_events_changes_are_found_from_time_to_time() {
    let place = Place::new();
    let mut watcher = place.deaf();
    let fault = watcher.fault().expect("told");
    assert_eq!(fault.id, "config-watch-limit");
    for (name, contents) in
        [("auths/a.env", "one"), ("auths/team/a.env", "two"), ("cwd/.env", "three"), ("cwd/.env", "")]
    {
        place.write(name, contents);
        let started = Instant::now();
        timeout(HOUR, watcher.changed()).await.expect("found");
        assert!(started.elapsed() >= watcher.pace.quiet * 2, "two looks agree");
        assert!(started.elapsed() <= watcher.pace.net + watcher.pace.most, "{:?}", started.elapsed());
    }
    for change in [
        |place: &Place| fs::remove_file(place.path("auths/a.env")).expect("removed"),
        |place: &Place| fs::set_permissions(place.path("cwd/.env"), fs::Permissions::from_mode(0o640)).expect("set"),
        |place: &Place| fs::remove_dir_all(place.path("auths")).expect("removed"),
        |place: &Place| fs::create_dir_all(place.path("auths/new")).expect("made"),
        |place: &Place| place.write("auths/new/a.env", "four"),
        |place: &Place| place.rename("auths/new/a.env", "auths/a.env"),
        |place: &Place| place.rename("auths", "auths-old"),
    ] {
        change(&place);
        timeout(HOUR, watcher.changed()).await.expect("found");
    }
    place.write("cwd/other", "");
    place.write("auths-old/a.env", "five");
    timeout(HOUR, watcher.changed()).await.expect_err("none of our files");
}

#[test]
fn every_fault_has_words() {
    for fault in [Fault::Limit, Fault::Other("it broke".to_owned())] {
        for locale in Locale::ALL {
            let words = Words::new(locale, TimeZone::UTC);
            assert!(!words.render(&fault.message(Pace::default().net)).is_empty());
            assert_eq!(words.faults(), Vec::<String>::new());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn many_events_are_one_change_told_when_it_is_quiet() {
    let place = Place::new();
    let mut watcher = place.deaf();
    let started = Instant::now();
    for _ in 0..1000 {
        watcher.hear(WRITTEN, &place.path("auths/a.env"));
    }
    watcher.changed().await;
    assert_eq!(started.elapsed(), watcher.pace.quiet, "told though it looks the same");
    timeout(watcher.pace.net / 2, watcher.changed()).await.expect_err("told once");
}

#[tokio::test(start_paused = true)]
async fn what_never_gets_quiet_is_told_all_the_same() {
    let place = Place::new();
    let mut watcher = place.deaf();
    let (ears, path) = (Arc::clone(&watcher.ears), place.path("cwd/.env"));
    let noise = tokio::spawn(async move {
        loop {
            ears.hear(Ok(Event::new(WRITTEN).add_path(path.clone())));
            sleep(Duration::from_millis(100)).await;
        }
    });
    for _ in 0..3 {
        let started = Instant::now();
        watcher.changed().await;
        let (most, quiet) = (watcher.pace.most, watcher.pace.quiet);
        assert!(started.elapsed() >= most && started.elapsed() <= most + quiet * 2, "{:?}", started.elapsed());
    }
    noise.abort();
}

#[tokio::test(start_paused = true)]
async fn an_event_that_changes_nothing_is_not_told() {
    let place = Place::new();
    let mut watcher = place.deaf();
    watcher.hear(WRITTEN, &place.path("auths/notes.txt"));
    watcher.hear(EventKind::Create(CreateKind::Folder), &place.path("auths/team"));
    timeout(HOUR, watcher.changed()).await.expect_err("nothing of ours");
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_loses_nothing() {
    let place = Place::new();
    let mut watcher = place.deaf();
    for step in 1..40 {
        place.write("auths/a.env", &"x".repeat(step));
        if step % 2 == 0 {
            watcher.hear(WRITTEN, &place.path("auths/a.env"));
        }
        let mut waits = 0;
        let patience = Duration::from_millis(50) * u32::try_from(step).expect("small");
        while timeout(patience.max(watcher.pace.quiet * 2), watcher.changed()).await.is_err() {
            // By the net at the latest, whoever asks however often.
            waits += 1;
            assert!(waits < 1000, "{step}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_folder_can_be_watched() {
    let place = Place::new();
    let mut watcher = place.deaf();
    watcher.watch(place.watched());
    timeout(HOUR, watcher.changed()).await.expect_err("it is the same");
    fs::create_dir(place.path("other")).expect("made");
    watcher.watch(Watched { auths_dir: place.path("other"), ..place.watched() });
    watcher.changed().await;
    place.write("auths/a.env", "");
    timeout(HOUR, watcher.changed()).await.expect_err("not watched any more");
    place.write("other/a.env", "");
    watcher.changed().await;
}

#[tokio::test]
async fn the_system_tells_of_files() {
    let place = Place::new();
    place.write("auths/z.env", "z");
    let mut watcher = place.listening();
    for change in [
        |place: &Place| place.write("auths/a.env", "one"),
        |place: &Place| place.write("auths/a.env", "two"),
        |place: &Place| place.write("auths/team/a.json", "{}"),
        |place: &Place| place.write("cwd/.env", "A=1"),
        |place: &Place| {
            place.write("cwd/.env.new", "A=2");
            place.rename("cwd/.env.new", "cwd/.env");
        },
        |place: &Place| fs::set_permissions(place.path("auths/z.env"), fs::Permissions::from_mode(0o400)).expect("set"),
        |place: &Place| fs::remove_file(place.path("auths/team/a.json")).expect("removed"),
        |place: &Place| fs::remove_file(place.path("cwd/.env")).expect("removed"),
    ] {
        change(&place);
        watcher.told().await;
    }
}

#[tokio::test]
async fn a_folder_that_comes_later_is_watched() {
    let place = Place::new();
    fs::remove_dir_all(place.path("")).expect("removed");
    fs::create_dir(place.0.path()).expect("made");
    let mut watcher = place.listening();
    for (folder, file) in [("cwd", "cwd/.env"), ("auths", "auths/a.env"), ("auths/new", "auths/new/a.env")] {
        fs::create_dir(place.path(folder)).expect("made");
        place.write(file, "one");
        watcher.told().await;
        // The event may have come before the folder's place was known; by then it is.
        while !watcher.is_armed(&place.path(folder)) {
            place.write(file, "again");
            watcher.told().await;
        }
        place.write(file, "two");
        watcher.told().await;
    }
}

#[tokio::test]
async fn a_folder_that_is_replaced_is_watched_again() {
    let place = Place::new();
    fs::create_dir_all(place.path("next/team")).expect("made");
    let mut watcher = place.listening();
    let folders = ["auths", "auths/team"];
    for change in [
        |place: &Place| {
            fs::remove_dir_all(place.path("auths")).expect("removed");
            fs::create_dir_all(place.path("auths/team")).expect("made");
        },
        |place: &Place| {
            place.rename("auths", "before");
            place.rename("next", "auths");
        },
        |place: &Place| {
            place.rename("auths/team", "auths/old");
            fs::create_dir(place.path("auths/team")).expect("made");
        },
        |place: &Place| {
            fs::create_dir_all(place.path("elsewhere/team")).expect("made");
            place.rename("auths", "gone");
            symlink("elsewhere", place.path("auths")).expect("linked");
        },
        |place: &Place| {
            symlink("gone", place.path("link")).expect("linked");
            place.rename("link", "auths");
        },
    ] {
        change(&place);
        watcher.told().await;
        while !folders.iter().all(|folder| watcher.is_armed(&place.path(folder))) {
            place.write("auths/a.env", "again");
            watcher.told().await;
        }
        for folder in folders {
            place.write(&format!("{folder}/a.env"), "one");
            watcher.told().await;
        }
    }
}

#[tokio::test]
async fn the_file_behind_a_link_is_watched_too() {
    let place = Place::new();
    fs::create_dir(place.path("shared")).expect("made");
    place.write("shared/env", "A=1");
    symlink("../shared/env", place.path("cwd/.env")).expect("linked");
    let mut watcher = place.listening();
    place.write("shared/env", "A=22");
    watcher.told().await;
}

#[tokio::test]
async fn reading_the_files_is_no_change() {
    let place = Place::new();
    place.write("auths/a.env", "one");
    place.write("cwd/.env", "A=1");
    let mut watcher = place.listening();
    let count = watcher.ears.count();
    for _ in 0..100 {
        for file in ["auths/a.env", "cwd/.env"] {
            fs::read(place.path(file)).expect("read");
        }
        fs::read_dir(place.path("auths")).expect("listed").for_each(drop);
    }
    // Events come in order: with this one, the others would be there.
    fs::create_dir(place.path("auths/last")).expect("made");
    watcher.told().await;
    assert!(watcher.fault.is_some() || watcher.ears.count() == count + 1);
}
