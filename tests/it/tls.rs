//! TLS between clients and the proxy: who is served, whom clients trust, and certificates that change.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::support::{
    client::Raw,
    proxy::{EndsBackground, Home, home, key, simulator},
};

/// A new certificate of this machine, in PEM with its key, and as clients trust it.
fn certificate() -> (String, String, CertificateDer<'static>) {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("made");
    (made.cert.pem(), made.signing_key.serialize_pem(), made.cert.der().clone())
}

fn put(home: &Home, cert: &str, key: &str) {
    for (name, text) in [("cert.pem", cert), ("key.pem", key)] {
        let path = home.folder.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
    }
}

/// A home whose proxy speaks TLS with this certificate.
fn with_tls(home: Home, cert: &str, key: &str) -> Home {
    put(&home, cert, key);
    let path = |name: &str| home.folder.path().join(name).display().to_string();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    home.set("KMI_PROXY_TLS_CERT", cert).set("KMI_PROXY_TLS_KEY", key)
}

/// What a client that trusts this certificate gets for `/models`; the error when there is no handshake.
async fn models(address: SocketAddr, trusted: &CertificateDer<'static>) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let ask = format!("GET /kmi-rotor/v1/models HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn clients_that_trust_the_certificate_are_served_and_no_others() {
    let simulator = simulator(&["alpha"]).await;
    let (cert, secret, trusted) = certificate();
    let proxy = with_tls(home(&simulator, &["alpha"]), &cert, &secret).start_at("https://").await;
    let said = models(proxy.address, &trusted).await.expect("answered");
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("kimi-for-coding"), "{said}");
    let (_, _, stranger) = certificate();
    assert!(models(proxy.address, &stranger).await.is_err(), "it trusts another one");

    // Half a handshake, and a request in plain text: both disturb nobody.
    let mut proxy = proxy;
    let mut half = Raw::open(proxy.address).await;
    half.send(b"\x16\x03\x01\x02\x00\x01").await;
    let mut plain = Raw::open(proxy.address).await;
    plain.send(format!("GET /kmi-rotor/v1/models HTTP/1.1\r\nhost: {}\r\n\r\n", proxy.address)).await;
    plain.read_to_end().await;
    assert!(!plain.text().contains("200 OK"), "{}", plain.text());
    assert!(models(proxy.address, &trusted).await.is_ok());
    let (code, said, _) = proxy.home.run(&["clients", "curl"]).await;
    assert!(code == Some(0) && said.contains("https://127.0.0.1:"), "{said}");
    // Half a handshake does not hold the stop up until its time is over.
    proxy.signal(rustix::process::Signal::TERM);
    assert_eq!(proxy.ended().await.code(), Some(0));
    drop(half);
    assert!(proxy.trace().iter().all(|record| record["status"] == 200));
}

#[tokio::test]
async fn a_new_certificate_is_taken_over_and_a_broken_one_is_not() {
    let simulator = simulator(&["alpha"]).await;
    let (cert, secret, first) = certificate();
    let proxy = with_tls(home(&simulator, &["alpha"]), &cert, &secret).start_at("https://").await;
    models(proxy.address, &first).await.expect("answered");
    let (cert, secret, second) = certificate();
    put(&proxy.home, &cert, &secret);
    let taken_over = async { while models(proxy.address, &second).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(20), taken_over).await.expect("it is taken over");
    put(&proxy.home, "-----BEGIN CERTIFICATE-----\nno\n", &secret);
    let log = proxy.home.state_dir().join("logs/kmi.log");
    let refused = || fs::read_to_string(&log).ok().filter(|text| text.contains("tls_reload_failed"));
    let log = crate::support::proxy::until("the refusal", refused).await;
    assert!(!log.contains("PRIVATE"), "{log}");
    models(proxy.address, &second).await.expect("still served");
}

#[tokio::test]
async fn a_proxy_in_the_background_is_waited_for_over_tls() {
    let simulator = simulator(&["alpha"]).await;
    let (cert, secret, trusted) = certificate();
    let home = EndsBackground(with_tls(home(&simulator, &["alpha"]), &cert, &secret));
    let (code, said, errors) = home.run(&["proxy"]).await;
    assert_eq!(code, Some(0), "{errors}");
    let rest = said.split("https://").nth(1).expect("an address");
    let address = rest.split('/').next().and_then(|text| text.parse().ok()).expect("an address");
    models(address, &trusted).await.expect("answered");
    let (code, _, errors) = home.run(&["proxy-restart"]).await;
    assert_eq!(code, Some(0), "{errors}");
    models(address, &trusted).await.expect("answered");
    assert_eq!(home.run(&["proxy-stop"]).await.0, Some(0));
}

#[tokio::test]
async fn files_that_are_no_good_are_named() {
    let (cert, secret, _) = certificate();
    let (_, other, _) = certificate();
    for (cert, secret, named) in
        [("nothing", &*secret, "cert.pem"), (&*cert, "nothing", "key.pem"), (&*cert, &*other, "key.pem")]
    {
        let home = with_tls(Home::new().with_key("alpha"), cert, secret);
        let (code, _, errors) = home.run(&["--no-ui"]).await;
        assert_eq!(code, Some(2), "{errors}");
        assert!(errors.contains(named) && !errors.contains("PRIVATE KEY-----"), "{errors}");
        assert!(!errors.contains(&key("alpha")));
    }
}

#[tokio::test]
async fn a_remote_address_is_served_with_own_tls_and_a_token() {
    let (cert, secret, _) = certificate();
    let home = with_tls(Home::new().with_key("alpha"), &cert, &secret)
        .set("KMI_PROXY_LISTEN", "0.0.0.0:0")
        .set("KMI_PROXY_ALLOW_REMOTE", "1")
        .set("KMI_DRY_RUN", "1");
    let (code, _, errors) = home.run(&["--no-ui"]).await;
    assert_eq!(code, Some(2), "without a token: {errors}");
    home.set("KMI_PROXY_TOKEN", "a-token-of-some-length").start_at("https://").await;
}
