//! Asking our own proxy over HTTP, as a client does. Never an upstream: no key is sent here.

use std::{future::poll_fn, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{StatusCode, Uri, uri::Scheme};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use crate::{
    config::TlsFiles,
    domain::key::Secret,
    http1::{AnswerHead, Call, Decoder, Lines, Server, Wire},
    proxy::tls,
};

/// Most of an answer that is read.
const ANSWER_MAX: usize = 16 << 20;

/// A client that asks one thing after another and keeps its connection.
pub(super) struct Http {
    uri: Uri,
    tls: TlsConnector,
    kept: Option<Server>,
    patience: Duration,
}

/// An answer's status and the headers that tell who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// `x-kmi-key`
    pub(super) key: Option<String>,
}

impl Http {
    /// For what stands at `uri`; `tls`: what the proxy serves with.
    ///
    /// # Errors
    /// When that is none, or the proxy speaks TLS and its certificate can't be read; for people who know TLS.
    pub(super) fn new(uri: &str, patience: Duration, tls: Option<&TlsFiles>) -> Result<Self, String> {
        let uri = uri.parse().map_err(|error| format!("{uri}: {error}"))?;
        let certificate = tls.map(|files| tls::certificate(&files.cert)).transpose();
        let certificate = certificate.map_err(|_| "the proxy's certificate can't be read".to_owned())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trusted = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(OurOwn { certificate, provider }))
            .with_no_client_auth();
        Ok(Self { uri, tls: TlsConnector::from(Arc::new(trusted)), kept: None, patience })
    }

    /// GETs and reads to the end; errors are text for people who know HTTP.
    pub(super) async fn get(&mut self, token: Option<&Secret>) -> Result<Answer, String> {
        let (call, patience) = (self.call(token), self.patience);
        let answer = async {
            let kept = self.kept.take().and_then(|mut server| server.is_free().then_some(server));
            let mut server = match kept {
                Some(server) => server,
                None => Server::new(self.connect().await.map_err(|error| error.to_string())?),
            };
            let head = server.send(&call, patience).await.map_err(|error| error.to_string())?;
            let good = read_out(&mut server, &head).await?;
            self.kept = Some(server).filter(|_| head.keep && good);
            Ok(Answer { status: head.status, key: head.fields.ascii("x-kmi-key").map(str::to_owned) })
        };
        timeout(patience, answer).await.map_err(|_| "no answer in time".to_owned())?
    }

    fn call(&self, token: Option<&Secret>) -> Call {
        let target = self.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let mut lines = Lines::default();
        lines.raw(format!("GET {target} HTTP/1.1\r\n").as_bytes());
        lines.add(b"host", self.uri.authority().map_or("", |authority| authority.as_str()));
        if let Some(token) = token {
            lines.add(b"authorization", format!("Bearer {}", token.expose()));
        }
        lines.raw(b"\r\n");
        Call { head: lines.into_bytes().into(), body: Bytes::new(), to_head: false }
    }

    async fn connect(&self) -> io::Result<Wire> {
        let host = self.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let (is_https, port) = (self.uri.scheme() == Some(&Scheme::HTTPS), self.uri.port_u16());
        let stream = TcpStream::connect((host, port.unwrap_or(if is_https { 443 } else { 80 }))).await?;
        if !is_https {
            return Ok(Wire::Plain(stream));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Wire::Tls(Box::new(self.tls.connect(name, stream).await?.into())))
    }
}

/// Reads a body to its end; whether the connection may be used once more.
async fn read_out(server: &mut Server, head: &AnswerHead) -> Result<bool, String> {
    let (mut decoder, mut length, mut good) = (Decoder::new(head.framing), 0, true);
    while !decoder.is_over() {
        let came = poll_fn(|context| server.poll_body(&mut decoder, context, &mut |data, _| length += data.len()));
        good &= came.await.map_err(|error| error.to_string())?;
        if length > ANSWER_MAX {
            return Err("the answer is too long".to_owned());
        }
    }
    Ok(good)
}

/// Trusts the certificate that our own proxy serves with, whoever signed it and whatever names are in it, and no other.
#[derive(Debug)]
struct OurOwn {
    certificate: Option<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OurOwn {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.certificate {
            Some(ours) if ours == shown => Ok(ServerCertVerified::assertion()),
            _ => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// `http://host:port/path` for a path beside the base path of `address`.
pub(super) fn root(address: &str, path: &str) -> String {
    let end = address.match_indices('/').nth(2).map_or(address.len(), |(at, _)| at);
    format!("{}{path}", address.get(..end).unwrap_or(address))
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn a_connection_is_kept_until_it_is_said_to_end() {
        const KEPT: &str =
            "HTTP/1.1 200 OK\r\nx-kmi-key: alpha\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        const LAST: &str = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let uri = format!("http://{}/kmi-rotor/v1?a=b", listener.local_addr().expect("bound"));
        let serving = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answers in [&[KEPT, LAST][..], &[KEPT]] {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                for answer in answers {
                    let mut head = [0; 1000];
                    let length = stream.read(&mut head).await.expect("a request");
                    asked.push(String::from_utf8_lossy(&head[..length]).into_owned());
                    stream.write_all(answer.as_bytes()).await.expect("taken");
                }
            }
            asked
        });
        let mut http = Http::new(&uri, Duration::from_secs(30), None).expect("valid");
        let token = Secret::new("token-of-the-proxy").expect("valid");
        for (status, key) in [(200, Some("alpha")), (503, None), (200, Some("alpha"))] {
            let answer = http.get(Some(&token)).await.expect("an answer");
            assert_eq!((answer.status.as_u16(), answer.key.as_deref()), (status, key));
        }
        for asked in serving.await.expect("served") {
            assert!(asked.starts_with("GET /kmi-rotor/v1?a=b HTTP/1.1\r\nhost: 127.0.0.1:"), "{asked}");
            assert!(asked.ends_with("\r\nauthorization: Bearer token-of-the-proxy\r\n\r\n"), "{asked}");
        }
    }

    #[test]
    fn a_path_is_put_beside_the_base_path() {
        for (address, expected) in [
            ("http://127.0.0.1:1/kmi-rotor/v1", "http://127.0.0.1:1/readyz"),
            ("http://[::1]:1", "http://[::1]:1/readyz"),
        ] {
            assert_eq!(root(address, "/readyz"), expected);
        }
    }
}
