//! The examples in the docs: run as they stand, they print what stands below them. Not the rest of the papers' words.

use crate::support::{
    proxy::{EndsBackground, home, simulator},
    source::root,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_print_what_they_say() {
    examples("docs/commands.md", "en").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_print_what_they_say_in_russian() {
    examples("docs/ru/commands.md", "ru").await;
}

async fn examples(page: &'static str, locale: &str) {
    let simulator = simulator(&["alpha", "beta"]).await;
    let home = home(&simulator, &["alpha", "beta"]).set("KMI_AUTO_ROTATE_ALLOWED", "1").set("KMI_LOCALE", locale);
    let settings = home.folder.path().join(".env").display().to_string();
    let home = home.set("KMI_ENV_PATH", settings);
    let variables = home.environment();
    let _ends = EndsBackground(home);
    let run = move || {
        let cases = trycmd::TestCases::new();
        cases.register_bin("kmi-tui", std::path::Path::new(env!("CARGO_BIN_EXE_kmi-tui")));
        for (name, value) in variables {
            cases.env(name, value);
        }
        cases.case(root().join(page));
        cases.run();
    };
    tokio::task::spawn_blocking(run).await.expect("as the docs say");
}
