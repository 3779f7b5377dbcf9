//! An upstream that speaks TLS.

use std::sync::Arc;

use axum::body::Body;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::server::program;
use super::stub::{answer, session};
use super::*;

/// A certificate for 127.0.0.1 that nobody has signed but itself, and its key. They are for these tests alone.
const CERTIFICATE: &str = include_str!("certificate.pem");
const KEY: &str = include_str!("key.pem");

/// The certificate and the key of an authority, as `openssl req -x509` makes it.
const AUTHORITY: &str = include_str!("authority.pem");
const KEY_OF_AUTHORITY: &str = include_str!("authority.key.pem");

/// Serves Ada's session by TLS. Returns the address.
async fn served() -> String {
    served_by(CERTIFICATE, KEY).await
}

async fn served_by(certificate: &str, key: &str) -> String {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let service = hyper::service::service_fn(async |_: hyper::Request<hyper::body::Incoming>| {
                Ok::<axum::http::Response<Body>, std::convert::Infallible>(answer(
                    200,
                    &[],
                    &session(1).to_string(),
                ))
            });
            tokio::spawn(async move {
                let http = auto::Builder::new(TokioExecutor::new());
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_certificate_counts_only_when_it_is_trusted() {
    let url = served().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.pem");
    // Some programs begin a file with a byte order mark.
    std::fs::write(&file, format!("\u{FEFF}{CERTIFICATE}")).unwrap();
    for (upstream, status) in
        [(json!({"url": url}), 503), (json!({"url": url, "ca_file": file.to_str().unwrap()}), 200)]
    {
        let server = Server::configured(json!({"session": {"upstream": upstream}}));
        let answer = whoami(&server, &[HEADER]).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[test]
fn a_file_without_certificates_is_refused_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.pem");
    for content in [None, Some(""), Some("no certificate"), Some(KEY)] {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let tree = json!({"session": {"upstream": {"url": "https://k", "ca_file": file.to_str().unwrap()}}});
        std::fs::write(folder.path().join("sessera.yml"), tree.to_string()).unwrap();
        let said = program(folder.path()).args(["config", "validate", "-c", "sessera.yml"]).output().unwrap();
        let text = String::from_utf8(said.stderr).unwrap() + &String::from_utf8(said.stdout).unwrap();
        assert!(!said.status.success(), "{content:?}: {text}");
        assert!(text.contains("session.upstream.ca_file"), "{content:?}: {text}");
    }
}

/// What `sessera upstream check` says with a file of certificates.
async fn checked(url: &str, certificates: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("roots.pem"), certificates).unwrap();
    let mut command = program(folder.path());
    command.env("SESSION_UPSTREAM_CA_FILE", "roots.pem").args([
        "upstream",
        "check",
        "--upstream",
        url,
        "--format",
        "json",
    ]);
    let said = tokio::task::spawn_blocking(move || (command.output().unwrap(), folder)).await.unwrap().0;
    assert!(!said.status.success(), "{said:?}");
    String::from_utf8(said.stderr).unwrap() + &String::from_utf8(said.stdout).unwrap()
}

#[tokio::test]
async fn the_certificate_of_an_authority_is_no_server_s_and_the_check_says_what_to_do() {
    let url = served_by(AUTHORITY, KEY_OF_AUTHORITY).await;
    let said = checked(&url, AUTHORITY).await;
    assert!(said.contains("CaUsedAsEndEntity") && said.contains("CA:FALSE"), "{said}");
    let said = checked(&url, KEY).await;
    assert!(said.contains("it has no certificate"), "{said}");
}
