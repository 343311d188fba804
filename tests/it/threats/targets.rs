//! Group B: request targets. What could lead elsewhere is refused and sends nothing; all else leaves byte for byte.

use super::{Scene, shown, statuses};

#[tokio::test]
async fn no_target_leads_anywhere_else() {
    let mut scene = Scene::new().await;
    let long = format!("GET /kmi-rotor/v1/{}", "a".repeat(70_000));
    for line in [
        "GET http://evil.test/kmi-rotor/v1/models",
        "GET http://HOST/kmi-rotor/v1/models",
        "GET https://HOST/kmi-rotor/v1/models",
        "GET HTTP://evil.test/kmi-rotor/v1/models",
        "GET evil.test/kmi-rotor/v1/models",
        "GET evil.test:80",
        "GET //evil.test/kmi-rotor/v1/models",
        "GET ///kmi-rotor/v1/models",
        "GET /\\evil.test/kmi-rotor/v1/models",
        "GET /kmi-rotor/v1@127.0.0.1:9/models",
        "GET /kmi-rotor/v1:80@evil.test/models",
        "GET /kmi-rotor/v1.evil.test/models",
        "GET /kmi-rotor/v1x/models",
        "GET /kmi-rotor/v10/models",
        "GET /kmi-rotor/v1;x/models",
        "GET /kmi-rotor/v1%2fmodels",
        "GET /kmi-rotor%2fv1/models",
        "GET /%6bmi-rotor/v1/models",
        "GET /kmi-rotor/v1\\models",
        "GET /kmi-rotor/v1//evil.test/models",
        "GET /kmi-rotor/v1/v1//evil.test/models",
        "GET /kmi-rotor/V1/models",
        "GET /KMI-ROTOR/v1/models",
        "GET /kmi-rotor//v1/models",
        "GET /kmi-rotor/./v1/models",
        "GET /x/../kmi-rotor/v1/models",
        "GET /kmi-rotor/v1/..",
        "GET /kmi-rotor/v1/../admin",
        "GET /kmi-rotor/v1/../v1/models",
        "GET /kmi-rotor/v1/v1/../admin",
        "GET /kmi-rotor/v1/files/../../admin",
        "GET /kmi-rotor/v1/./models",
        "GET /kmi-rotor/v1/%2e%2e/admin",
        "GET /kmi-rotor/v1/%2E%2e/admin",
        "GET /kmi-rotor/v1/.%2e/admin",
        "GET /kmi-rotor/v1/%2e/admin",
        "GET /kmi-rotor/v1/%2e%2e%2fadmin",
        "GET /kmi-rotor/v1/a%2f..%2f..%2fadmin",
        "GET /kmi-rotor/v1/..%5cadmin",
        "GET /kmi-rotor/v1/%5c..%5cadmin",
        "GET /kmi-rotor/v1/..\\admin",
        "GET /kmi-rotor/v1/a\\..\\..\\admin",
        "GET /kmi-rotor/v1/..;/admin",
        "GET /kmi-rotor/v1/..;a=b/admin",
        "GET /kmi-rotor/v1/%2e%2e;/admin",
        "GET /kmi-rotor/v1/..%3bx/admin",
        "GET file:///etc/passwd",
        "GET /etc/passwd",
        "GET javascript:alert(1)",
        "CONNECT evil.test:443",
        "CONNECT HOST",
        "CONNECT /kmi-rotor/v1/models",
        "OPTIONS *",
        "GET *",
        "GET *kmi-rotor/v1/models",
        "TRACE /kmi-rotor/v1/models",
        "GET ?x",
        "GET #x",
        &long,
    ] {
        // A header that names the target as it would be at home must change nothing.
        let request = format!("{line} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n");
        let (answer, seen) = scene.seen(scene.tell(&request)).await;
        let row = shown(line);
        assert!(seen.is_empty(), "{row} went upstream: {seen:?}");
        let refused = |status: &u16| matches!(status, 400..500);
        assert!(statuses(&answer).iter().all(refused) && !statuses(&answer).is_empty(), "{row}: {answer}");
        scene.well(line).await;
    }
}

#[tokio::test]
async fn headers_do_not_choose_the_target() {
    let mut scene = Scene::new().await;
    for header in [
        "X-Original-URL: /admin",
        "X-Rewrite-URL: /admin",
        "X-HTTP-Method-Override: DELETE",
        "X-Forwarded-Host: evil.test",
        "X-Forwarded-Prefix: /admin",
        "Forwarded: host=evil.test",
        "Base-Url: http://evil.test",
        "X-Kmi-Upstream: http://evil.test",
    ] {
        let get = "GET /kmi-rotor/v1/models HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n";
        let (answer, seen) = scene.seen(scene.tell(format!("{get}{header}\r\n\r\n"))).await;
        assert_eq!(statuses(&answer), [200], "{header}");
        let told: Vec<_> = seen.iter().map(|one| (&*one.method, &*one.target, one.header("host"))).collect();
        let host = scene.simulator.address().to_string();
        assert_eq!(told, [("GET", "/coding/v1/models", Some(&*host))], "{header}");
        scene.well(header).await;
    }
}

#[tokio::test]
async fn all_other_targets_leave_byte_for_byte() {
    let mut scene = Scene::new().await;
    for rest in [
        "/a%2Fb%2fc",
        "/a%00b",
        "/%zz%",
        "/%252e%252e/x",
        "/%252f",
        "/;=:@!$&'()*+,~",
        "/a;b=c/d",
        "/...",
        "/.hidden/..x/x..",
        "/a//b",
        "/a/",
        "/echo?",
        "/echo?a=b&a=c&&=",
        "/echo?../../x",
        "/echo?u=http://evil.test/%2e%2e",
        "/echo??x?",
        "/v2/models",
        "/@evil.test",
        "/http://evil.test/x",
        "/%E4%BD%A0",
        "/a|b^c{d}\"",
    ] {
        let request = format!("GET /kmi-rotor/v1{rest} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n");
        let (answer, seen) = scene.seen(scene.tell(&request)).await;
        let targets: Vec<_> = seen.iter().map(|one| one.target.clone()).collect();
        assert_eq!(targets, [format!("/coding/v1{rest}")], "{rest}: {answer}");
        scene.well(rest).await;
    }
    // What no target may hold is refused, and not rewritten.
    for rest in [&b"\xff\xfe"[..], b"a<b", b"a>b", b"a`b"] {
        let request = [b"GET /kmi-rotor/v1/", rest, b" HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"].concat();
        let (answer, seen) = scene.seen(scene.tell(request)).await;
        assert!(seen.is_empty() && statuses(&answer) == [400], "{rest:?}: {answer}");
        scene.well("no target").await;
    }
}

#[tokio::test]
async fn methods_pass_as_they_are_but_for_two() {
    let mut scene = Scene::new().await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get", "M-SEARCH", "HEAD"] {
        let request = format!("{method} /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n");
        let (answer, seen) = scene.seen(scene.tell(&request)).await;
        assert_eq!(statuses(&answer), [200], "{method}: {answer}");
        assert_eq!(seen.iter().map(|one| &*one.method).collect::<Vec<_>>(), [method]);
        if method == "HEAD" {
            assert!(answer.ends_with("\r\n\r\n"), "an answer to HEAD has no body: {answer}");
        }
        scene.well(method).await;
    }
}
