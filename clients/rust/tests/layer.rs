//! The layer around a service, and the library beside a real server.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, Response};
use sessera_tokens::events::Follower;
use sessera_tokens::hold::TokenHolder;
use sessera_tokens::layer::{Claims, VerifyLayer};
use sessera_tokens::status::StatusLists;
use sessera_tokens::{Answer, Error, Fetch, Settings, Verifier};
use tower::{Layer as _, ServiceExt as _, service_fn};

struct Away;

#[async_trait]
impl Fetch for Away {
    async fn get(&self, _: &str, _: Option<&str>) -> Result<Answer, String> {
        Err("nobody is there".into())
    }
}

#[tokio::test]
async fn requests_without_a_good_token_do_not_pass() {
    let settings = Settings::new("https://id.example.org/", "https://api.example.org");
    let verifier = Arc::new(Verifier::with(settings, Arc::new(Away), || 1_800_000_000));
    // Well formed, so that only the keys could tell whether it is good.
    let unknown = "Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.e30.AA";
    for (authorization, status) in [("", 401), ("Basic eDp5", 401), ("Bearer x", 401), (unknown, 503)] {
        let inner = service_fn(async |_| -> Result<Response<String>, Infallible> { panic!("it passed") });
        let service = VerifyLayer::new(Arc::clone(&verifier)).layer(inner);
        let request = Request::builder().header(AUTHORIZATION, authorization).body(()).unwrap();
        let answer = service.oneshot(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{authorization}");
        let told = if status == 401 { WWW_AUTHENTICATE } else { RETRY_AFTER };
        assert!(answer.headers().contains_key(told), "{authorization}");
    }
}

/// The chore "libraries" gives the address of a server and somebody who is signed in there.
#[tokio::test]
async fn a_token_of_a_real_server_is_good() {
    let Ok(issuer) = std::env::var("SESSERA_ISSUER") else { return };
    let session = std::env::var("SESSERA_SESSION").unwrap();
    let token = TokenHolder::new(&issuer, "api", &session).unwrap().token().await.unwrap();
    let settings = Settings::new(&issuer, "https://api.example.org");
    let verifier = Arc::new(Verifier::new(settings).unwrap().and(Arc::new(StatusLists::default())));
    let subject = std::env::var("SESSERA_SUBJECT").unwrap();
    let inner = service_fn(|request: Request<()>| async move {
        let claims = request.extensions().get::<Claims>().unwrap();
        Ok::<_, Infallible>(Response::new(claims.0["sub"].as_str().unwrap().to_owned()))
    });
    let request = Request::builder().header(AUTHORIZATION, format!("bearer {token}")).body(()).unwrap();
    let answer = VerifyLayer::new(verifier).layer(inner).oneshot(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.into_body()), (200, subject));
    let elsewhere = Verifier::new(Settings::new(&issuer, "https://elsewhere.example.org")).unwrap();
    assert!(matches!(elsewhere.verify(&token).await, Err(Error::Refused(_))));
    let nobody = TokenHolder::new(&issuer, "api", "x").unwrap().token().await;
    assert!(matches!(nobody, Err(Error::SessionGone(401))));
}

#[tokio::test]
async fn a_session_that_ends_at_a_real_server_is_refused() {
    let Ok(issuer) = std::env::var("SESSERA_ISSUER") else { return };
    let told = |name| std::env::var(name).unwrap();
    let (admin, admin_token) = (told("SESSERA_ADMIN"), told("SESSERA_ADMIN_TOKEN"));
    let follower = Arc::new(Follower::new(&admin, &admin_token, Duration::from_secs(600)).unwrap());
    let followed = Arc::clone(&follower);
    tokio::spawn(async move { followed.run(|why| println!("{why}")).await });
    let settings = Settings::new(&issuer, "https://api.example.org");
    let verifier = Verifier::new(settings).unwrap().and(follower);
    let session = told("SESSERA_SESSION_TO_END");
    let token = TokenHolder::new(&issuer, "api", &session).unwrap().token().await.unwrap();
    let until = async |wanted: fn(&Result<_, Error>) -> bool| {
        let comes = async {
            while !wanted(&verifier.verify(&token).await) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), comes).await.unwrap();
    };
    until(Result::is_ok).await;
    let body = serde_json::json!({"session_token": session});
    let address = format!("{issuer}self-service/logout/api");
    let answer = reqwest::Client::new().delete(address).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    until(|verdict| matches!(verdict, Err(Error::Refused(_)))).await;
}
