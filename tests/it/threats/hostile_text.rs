//! Groups K and part of I: text that commands a terminal, wherever a stranger can put it – prompts, headers, methods, paths,
//! labels, file names, models, upstreams' errors – and what of it reaches a screen, a line or a file. And prompts that are
//! large or deep.

use kmi_tui::demo::Behaviour;
use serde_json::{Value, json};

use super::{Scene, well};
use crate::support::{
    proxy::{Home, home, key, simulator},
    terminal::Terminal,
};

/// Colour, title, clipboard, a question to the terminal, controls of both kinds, bidi and invisible characters, line breaks.
const HOSTILE: &str = "x\u{1b}[31337mred\u{1b}]0;owned\u{7}\u{1b}]52;c;b3duZWQ=\u{1b}\\\u{1b}[6n\u{9b}2J\u{9d}0;owned\u{9c}\
                       \u{202e}evil\u{2066}\u{2069}\u{200b}\u{200f}\u{feff}\u{2028}\u{8}\u{7f}\u{0}\r\nnext";

/// The first character that must never stand in a line of text.
fn commands(text: &str) -> Option<char> {
    text.chars().find(|letter| {
        letter.is_control() && !matches!(letter, '\n' | '\t' | '\r')
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    })
}

/// `alpha` has a hostile label in a hostile file, `beta` is well, and there is a broken file of a hostile name.
fn hostile_home(simulator: &kmi_tui::demo::Simulator) -> Home {
    // No file's name holds a NUL or a slash, and no line of it a line break.
    let name = HOSTILE.replace(['\0', '/', '\r', '\n'], "");
    let labelled = format!(
        "KMI_API_KEY={}\nKMI_KEY_LABEL=\"{name}\"\nKMI_KEY_PRIORITY=9\nKMI_ACCOUNT_EMAIL=\"{name}@example.com\"\n",
        key("alpha")
    );
    let home = home(simulator, &["beta"]).with_auth(&format!("a{name}.env"), &labelled);
    home.with_auth(&format!("{name}.toml"), &format!("[providers.\"{}\"\n", name.replace('\\', "")))
        .with_auth(&format!("{name}.json"), "{\"providers\": 7}")
}

/// An upstream's refusal in hostile words.
fn refusal(status: u16) -> Behaviour {
    let body = json!({"error": {"message": HOSTILE, "type": HOSTILE, "code": HOSTILE}}).to_string();
    let head = format!("HTTP/1.1 {status} No\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    Behaviour::Raw(format!("{head}\r\n{body}").into())
}

#[tokio::test]
async fn text_that_commands_a_terminal_reaches_none() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let mut proxy = hostile_home(&simulator).start().await;
    simulator.script(&key("alpha"), [refusal(429), refusal(403)]);
    simulator.script(&key("beta"), [refusal(400), refusal(404)]);
    // What a header or a request line may hold of it at all.
    let in_header = "x\u{202e}evil\u{200b}\u{9b}2J\u{feff}";
    let agent =
        [("content-type", "application/json"), ("user-agent", in_header), ("x-claude-code-session-id", in_header)];
    for messages in
        [json!([{"role": "user", "content": HOSTILE}]), json!([{"role": HOSTILE, "content": [{"text": HOSTILE}]}])]
    {
        let body = json!({"model": HOSTILE, "stream": false, "messages": messages, "prompt_cache_key": HOSTILE});
        for method in ["POST", "M-SEARCH!#$%&'*+.^_`|~"] {
            proxy.request(method, "/chat/completions?%1b[31m%e2%80%ae", &agent, body.to_string().as_bytes()).await;
        }
    }
    proxy.home.run(&["block", "beta", "--reason", HOSTILE.trim_matches('\0').replace('\0', "").as_str()]).await;
    proxy.home.run(&["unblock", "beta"]).await;
    proxy.traced(4).await;
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["health"],
        &["health", "--json"],
        &["keys", "list"],
        &["keys", "list", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["trace"],
        &["trace", "--json"],
        &["trace", "--csv"],
        &["trace", "--summary"],
        &["proxy-logs", "--app", "-n", "1000"],
        &["rehearse"],
        &["rehearse", "--json"],
        &["screenshot"],
        &["report", "--output", "/dev/stdout"],
        &["rotate", "--to", &HOSTILE.replace('\0', "")],
        &["block", &HOSTILE.replace('\0', "")],
        &[&HOSTILE.replace('\0', "")],
    ] {
        let (_, said, errors) = proxy.home.run(arguments).await;
        assert_eq!(commands(&said), None, "{arguments:?}: {said:?}");
        assert_eq!(commands(&errors), None, "{arguments:?}: {errors:?}");
    }
    assert_eq!(commands(&proxy.said()), None, "{:?}", proxy.said());
    for file in ["logs/kmi.log", "trace/trace.jsonl", "state.json"] {
        let text = std::fs::read_to_string(proxy.home.state_dir().join(file)).expect("text");
        assert_eq!(commands(&text), None, "{file}: {text:?}");
    }
    for line in proxy.trace() {
        assert!(line.is_object(), "one object a line");
    }
    well(&mut proxy, &[], "hostile words").await;
    on_screens(&proxy.home).await;
}

/// The dashboard shows all of it, and its terminal is commanded by nobody else.
async fn on_screens(home: &Home) {
    let mut screen = Terminal::open(home, &[], (120, 40));
    // The newest request has come.
    screen.until_text("/models").await;
    // Its details, the doctor, the help, another language.
    screen.press("3\r").await;
    screen.until_text("Tries").await;
    screen.press("\x1b").await;
    screen.until("the details to go", |shown| !shown.text.contains("Tries")).await;
    for (keys, seen) in [("L", "Ключи"), ("L", "Keys")] {
        screen.press(keys).await;
        screen.until_text(seen).await;
    }
    screen.press("q").await;
    screen.ended().await;
    let bytes = screen.said.bytes();
    let text = String::from_utf8_lossy(&bytes);
    for sequence in ["\u{1b}[31337m", "\u{1b}]0;owned", "\u{1b}]52;", "\u{1b}[6n"] {
        assert!(!text.contains(sequence), "{sequence:?} reached the terminal");
    }
    let foreign = text.chars().find(|letter| *letter != '\u{1b}' && commands(&letter.to_string()).is_some());
    // Zero is what a terminal is set up with, and what a bell or a backspace would be is not.
    assert_eq!(foreign, None);
}

#[tokio::test]
async fn a_prompt_may_be_large_or_deep() {
    let mut scene = Scene::new().await;
    let headers = [("content-type", "application/json")];
    let message =
        |content: &str| format!("{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":{content}}}]}}");
    let large = message(&format!("\"{}\"", "many words \\u001b[31m ".repeat(1 << 20)));
    assert!(large.len() > 20 << 20);
    let deep = 100_000;
    for (row, body) in [
        ("20 MB", large),
        ("deep content", message(&format!("{}{}", "[".repeat(deep), "]".repeat(deep)))),
        ("deep objects", message(&format!("{}1{}", "{\"a\":".repeat(deep), "}".repeat(deep)))),
        ("deep and never closed", "[".repeat(deep)),
        ("deep beside it", format!("{{\"x\":{}{},\"messages\":[]}}", "[".repeat(deep), "]".repeat(deep))),
        ("a million messages", format!("{{\"messages\":[{}7]}}", "7,".repeat(1_000_000))),
        ("one long word", message(&format!("\"{}\"", "w".repeat(1 << 20)))),
        ("half a character", String::from("{\"messages\":\"\\ud800\"}")),
    ] {
        let (answer, seen) = scene.seen(scene.proxy.request("POST", "/echo", &headers, body.as_bytes())).await;
        assert_eq!(answer.status, 200, "{row}: {}", answer.text().chars().take(200).collect::<String>());
        assert_eq!(seen.iter().map(|one| one.body_len).collect::<Vec<_>>(), [body.len()], "{row} passes whole");
        scene.well(row).await;
    }
    for record in scene.proxy.traced(8).await {
        let hint = record["prompt_hint"].as_str().expect("text");
        assert!(hint.chars().count() <= 63, "{hint}");
        assert!(record.get("status") == Some(&Value::from(200)), "{record}");
    }
}
