//! Until when a certificate is valid. Nothing else is read from it, and nothing is verified.

use std::{net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use rustls::{
    CertificateError, Error, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

/// When the first of a file's certificates expires that does; None = that can't be told.
pub(super) fn expires(path: &Path) -> Option<Timestamp> {
    CertificateDer::pem_file_iter(path).ok()?.filter_map(|certificate| not_after(&certificate.ok()?)).min()
}

/// rustls tells it of those that have expired alone: at the end of time all have.
fn not_after(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let end_of_time = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone().into_owned()).ok()?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().ok()?;
    let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
    match verifier.verify_server_cert(certificate, &[], &name, &[], end_of_time) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Timestamp::from_second(not_after.as_secs().try_into().ok()?).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn until(year: i32, authority: bool) -> String {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("valid");
        params.not_after = rcgen::date_time_ymd(year, 3, 1);
        if authority {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        params.self_signed(&rcgen::KeyPair::generate().expect("made")).expect("signed").pem()
    }

    #[test]
    fn the_first_of_a_chain_that_expires_counts() {
        let folder = tempfile::tempdir().expect("temp");
        let path = folder.path().join("cert.pem");
        for (row, text, expected) in [
            ("one", until(2031, false), Some("2031-03-01T00:00:00Z")),
            ("long ago", until(2001, false), Some("2001-03-01T00:00:00Z")),
            ("a late one", until(2060, false), Some("2060-03-01T00:00:00Z")),
            ("its authority", until(2031, false) + &until(2030, true), Some("2030-03-01T00:00:00Z")),
            ("nothing", String::new(), None),
            ("no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(), None),
        ] {
            fs::write(&path, text).expect("written");
            assert_eq!(expires(&path).map(|at| at.to_string()).as_deref(), expected, "{row}");
        }
        assert_eq!(expires(&folder.path().join("none")), None);
    }
}
