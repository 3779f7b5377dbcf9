//! What the machine can do at the most, in signatures and with an HTTP handler that does nothing.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use sessera_jose::Algorithm;

use crate::cores;

/// A signing input as long as that of the measured tokens.
const INPUT: [u8; 2048] = [b'x'; 2048];

/// How many signatures a second the library alone makes on one core.
pub(crate) fn signatures(algorithm: Algorithm, time: Duration) -> Result<f64> {
    let random = SystemRandom::new();
    let ec = |kind| EcdsaKeyPair::generate(kind).context("no key");
    let sign: Box<dyn Fn() -> Result<()>> = match algorithm {
        Algorithm::Es256 | Algorithm::Es512 => {
            let kind = if algorithm == Algorithm::Es256 {
                &ECDSA_P256_SHA256_FIXED_SIGNING
            } else {
                &ECDSA_P521_SHA512_FIXED_SIGNING
            };
            let pair = ec(kind)?;
            Box::new(move || {
                std::hint::black_box(pair.sign(&random, &INPUT).context("no signature")?);
                Ok(())
            })
        }
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).context("no key")?;
            Box::new(move || {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, &INPUT, &mut signature).context("no signature")?;
                std::hint::black_box(signature);
                Ok(())
            })
        }
        other => bail!("{other} is not measured"),
    };
    cores::of_the_server(1, || {
        let (start, mut count) = (Instant::now(), 0_u32);
        while start.elapsed() < time {
            for _ in 0..16 {
                sign()?;
            }
            count += 16;
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    })
}

/// A process that serves an empty handler on the server's cores.
pub(crate) struct EmptyHandler(Child);

impl EmptyHandler {
    pub(crate) fn start(port: u16, cores: usize) -> Result<Self> {
        let program = std::env::current_exe()?;
        let child = cores::of_the_server(cores, || {
            Ok(Command::new(program)
                .args(["empty-handler", &port.to_string(), &cores.to_string()])
                .spawn()?)
        })?;
        crate::server::wait_until_it_listens(port)?;
        Ok(Self(child))
    }
}

impl Drop for EmptyHandler {
    fn drop(&mut self) {
        // The process may have ended by itself, which the client has reported already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves the empty handler until it is killed.
pub(crate) fn serve_nothing(port: u16, threads: usize) -> Result<()> {
    let runtime = match threads {
        1 => tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        _ => tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?,
    };
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        let router = axum::Router::new().route("/", axum::routing::get(async || "ok"));
        axum::serve(
            axum::serve::ListenerExt::tap_io(listener, |stream| {
                // Without this the answer may wait for more to send, which the client would report.
                let _ = stream.set_nodelay(true);
            }),
            router,
        )
        .await?;
        Ok(())
    })
}
