//! The example does what it says.

#[allow(dead_code, unreachable_pub, reason = "it is a program of its own")]
#[path = "../examples/own_sessions.rs"]
mod example;

#[tokio::test]
async fn a_program_makes_a_token_of_its_own_sessions() {
    let claims = example::claims().await.unwrap();
    assert_eq!(claims["email"], "ada@example.org");
    assert_eq!(claims["iss"], "https://id.example.org/");
    assert!(claims.contains_key("sub") && claims.contains_key("sid"));
}
