//! What is typed beside a running instance, and without one: the running one is asked, else the files under their lock.

use crate::support::proxy::{home, key, simulator};

#[tokio::test]
async fn commands_change_what_the_running_proxy_sends() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    let (code, said, _) = proxy.home.run(&["rotate", "--to", "beta"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("beta"), "{said}");
    assert_eq!(proxy.chat("hello", false).await.header("x-kmi-key"), Some("beta"));
    let (code, _, _) = proxy.home.run(&["block", "beta", "--for", "1h", "--reason", "holiday"]).await;
    assert_eq!(code, Some(0));
    assert_eq!(proxy.chat("hello", false).await.header("x-kmi-key"), Some("alpha"));
    let (code, said, _) = proxy.home.run(&["status", "--json"]).await;
    let status: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &status["proxy"]["running"], &status["keys"]["blocked"]), (Some(0), &true.into(), &1.into()));
    assert_eq!(status["active_key"], "beta");
    assert!(!said.contains(&key("alpha")) && !said.contains(&key("beta")), "{said}");
    assert_eq!(proxy.home.run(&["unblock", "beta"]).await.0, Some(0));
    assert_eq!(proxy.chat("hello", false).await.header("x-kmi-key"), Some("beta"));
}

#[tokio::test]
async fn what_is_refused_says_why_and_fails() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    for (typed, code, words) in [
        (&["rotate", "--to", "nobody"][..], 1, "nobody"),
        (&["auto-rotate", "on"], 1, "KMI_AUTO_ROTATE_ALLOWED"),
        (&["block", "alpha", "--for", "soon"], 2, "soon"),
        (&["auto-rotate", "perhaps"], 2, "perhaps"),
    ] {
        let (ended, said, errors) = proxy.home.run(typed).await;
        assert_eq!((ended, said.as_str()), (Some(code), ""), "{typed:?}: {errors}");
        assert!(errors.contains(words), "{typed:?}: {errors}");
    }
    let (code, said, _) = proxy.home.run(&["rotate", "--to", "nobody", "--json"]).await;
    let answer: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &answer["ok"], &answer["code"]), (Some(1), &false.into(), &"refused-unknown-label".into()));
}

#[tokio::test]
async fn without_an_instance_the_files_are_changed() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let home = home(&simulator, &["alpha", "beta"]);
    let (code, said, _) = home.run(&["status", "--json"]).await;
    let status: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &status["proxy"]["running"], &status["active_key"]), (Some(0), &false.into(), &"alpha".into()));
    assert_eq!(home.run(&["rotate", "--to", "beta"]).await.0, Some(0));
    assert_eq!(home.run(&["proxy-stop"]).await.0, Some(1), "there is none to stop");
    let proxy = home.start().await;
    assert_eq!(proxy.chat("hello", false).await.header("x-kmi-key"), Some("beta"), "the next start knows it");
}

#[tokio::test]
async fn a_stop_waits_for_running_requests_and_for_the_end() {
    let simulator = simulator(&["alpha"]).await;
    simulator.set(&key("alpha"), kmi_tui::demo::Behaviour::Gated);
    let mut proxy = home(&simulator, &["alpha"]).start().await;
    let mut running = proxy.begin_chat().await;
    running.read_until("HTTP/1.1 200").await;
    let stopping = proxy.home.command(&["proxy-stop"]).spawn().expect("it runs");
    simulator.release(1_000);
    running.read_to_end().await;
    assert!(running.text().contains("[DONE]"), "{}", running.text());
    let stopped = stopping.wait_with_output().await.expect("it ends");
    assert!(stopped.status.success(), "{stopped:?}");
    assert!(proxy.ended().await.success());
    assert!(!proxy.home.state_dir().join("kmi.sock").exists());
}
