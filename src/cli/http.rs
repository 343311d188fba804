//! Asking our own proxy over HTTP, as a client does. Never an upstream: no key is sent here.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::time::timeout;

use crate::{config::Config, domain::key::Secret, proxy::tls};

/// Most of an answer that is read.
const ANSWER_MAX: usize = 16 << 20;

/// A client that keeps its connections.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
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
    /// # Errors
    /// When the proxy speaks TLS and its certificate can't be read; for people who know TLS.
    pub(super) fn new(patience: Duration, config: &Config) -> Result<Self, String> {
        let files = config.proxy.tls.as_ref();
        let certificate = files.map(|files| tls::certificate(&files.cert)).transpose();
        let certificate = certificate.map_err(|_| "the proxy's certificate can't be read".to_owned())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trusted = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(OurOwn { certificate, provider }))
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(trusted).https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), patience })
    }

    /// GETs and reads to the end; errors are text for people who know HTTP.
    pub(super) async fn get(&self, uri: &str, token: Option<&Secret>) -> Result<Answer, String> {
        let uri: Uri = uri.parse().map_err(|error| format!("{uri}: {error}"))?;
        let mut request = Request::get(uri);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
        let answer = async {
            let response = self.client.request(request).await.map_err(|error| innermost(&error))?;
            let (head, body) = response.into_parts();
            Limited::new(body, ANSWER_MAX).collect().await.map_err(|error| error.to_string())?;
            let key = head.headers.get("x-kmi-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
            Ok(Answer { status: head.status, key })
        };
        timeout(self.patience, answer).await.map_err(|_| "no answer in time".to_owned())?
    }
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

/// hyper's outer errors say only that something failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

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
