//! `init` on a machine that knows other programs already: what it makes, what it asks first, and what it never shows.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::{Value, json};

use crate::support::{
    proxy::{Home, key},
    schema::fits,
    terminal::Terminal,
};

/// A home where kimi-code holds the key of plan, and an old folder that of old.
fn home() -> Home {
    let home = Home::new().set("LANG", "C");
    let folder = home.folder.path().to_owned();
    fs::remove_dir(home.auths()).expect("made by init");
    for made in [".kimi-code", "kmi/_auths"] {
        fs::create_dir_all(folder.join(made)).expect("made");
    }
    let provider = format!("[providers.plan]\ntype = \"kimi\"\napi_key = \"{}\"\n", key("plan"));
    fs::write(folder.join(".kimi-code/config.toml"), provider).expect("written");
    let old = folder.join("kmi/_auths/old.env");
    fs::write(&old, format!("KMI_API_KEY={}\n", key("old"))).expect("written");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o600)).expect("private");
    home
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

async fn answer(home: &Home, arguments: &[&str]) -> Value {
    let (code, said, errors) = home.run(arguments).await;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{said}");
    assert!(!said.contains("sk-kimi"), "{said}");
    let value = serde_json::from_str(&said).expect("JSON");
    fits(&value, "init");
    value
}

#[tokio::test]
async fn a_machine_is_set_up_privately_and_once() {
    let home = home();
    let (code, said, errors) = home.run(&["init", "--yes", "--lang", "ru"]).await;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(said.contains("Перенесён 1 ключ") && said.contains("\n  plan  ~/.kimi-code/config.toml\n"), "{said}");
    assert!(!said.contains("sk-kimi"), "{said}");
    let file = home.folder.path().join(".env");
    let modes = [&file, &home.auths(), &home.auths().join("plan.env")].map(|path| mode(path));
    assert_eq!(modes, [0o600, 0o700, 0o600]);
    let settings = fs::read_to_string(&file).expect("made");
    assert!(settings.contains("\nKMI_LOCALE=ru\n") && settings.contains("\n#KMI_STRATEGY=round-robin\n"), "{settings}");

    let again = answer(&home, &["init", "--yes", "--json"]).await;
    assert_eq!((&again["settings_file"]["change"], &again["keys"]), (&json!("there"), &json!([])));
    let from = answer(&home, &["init", "--yes", "--from", "kmi/_auths", "--json"]).await;
    assert_eq!(from["keys"], json!([{"label": "old", "place": "~/kmi/_auths", "imported": true}]));
    let (_, keys, _) = home.run(&["keys", "--json"]).await;
    assert!(keys.contains("\"old\"") && keys.contains("\"plan\""), "{keys}");
}

#[tokio::test]
async fn what_is_there_is_changed_only_by_a_yes() {
    let home = home();
    let file = home.folder.path().join(".env");
    fs::write(&file, "# mine\nKMI_LOCALE=en\n").expect("written");
    let kept = answer(&home, &["init", "--theme", "light", "--json"]).await;
    assert_eq!((&kept["settings_file"]["change"], &kept["keys"][0]["imported"]), (&json!("kept"), &json!(false)));
    assert_eq!(fs::read_to_string(&file).expect("there"), "# mine\nKMI_LOCALE=en\n");
    assert_eq!(fs::read_dir(home.auths()).expect("made").count(), 0);

    let mut terminal = Terminal::open(&home, &["init", "--theme", "light"], (100, 30));
    terminal.until_text("KMI_THEME").await;
    terminal.press("y\r").await;
    terminal.until_text("Copy it?").await;
    terminal.press("\r").await;
    let end = terminal.until_text("Nothing was copied").await;
    assert!(!end.text.contains("sk-kimi"), "{}", end.text);
    assert_eq!(fs::read_to_string(&file).expect("there"), "# mine\nKMI_LOCALE=en\nKMI_THEME=light\n");
    let mut backup = fs::read_dir(home.folder.path()).expect("there").flatten().map(|entry| entry.path());
    let backup = backup.find(|path| path.extension().is_some_and(|ending| ending == "bak")).expect("kept");
    assert_eq!(fs::read_to_string(&backup).expect("there"), "# mine\nKMI_LOCALE=en\n");
    assert_eq!([mode(&file), mode(&backup)], [0o600, 0o600]);
}
