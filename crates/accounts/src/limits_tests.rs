//! Limits against abuse, as they show in flows.

use std::time::Duration;

use serde_json::{Value, json};
use sessera_testing::at_once;

use crate::flows::error::FlowError;
use crate::flows::flow::{
    LoginDetails, RecoveryDetails, RegistrationDetails, SettingsDetails, Transport, VerificationDetails,
};
use crate::flows::skeleton::{Kind, Outcome};
use crate::testing::{
    Client, FIRST, PASSWORD, TestAccounts, done, everything, refused, said, wait, wrong_code,
};

const ADA: &str = "ada@example.org";
const WRONG_PASSWORD: u32 = 4_000_006;
const WRONG_RECOVERY_CODE: u32 = 4_060_006;
const WRONG_VERIFICATION_CODE: u32 = 4_070_006;

/// The addresses of clients.
const FIRST_CLIENT: [u8; 4] = [192, 0, 2, 1];
const SECOND_CLIENT: [u8; 4] = [192, 0, 2, 2];
const THIRD_CLIENT: [u8; 4] = [192, 0, 2, 3];

async fn accounts(limits: Value) -> TestAccounts {
    let mut configuration = everything();
    configuration["selfservice"]["limits"] = limits;
    let accounts = TestAccounts::configured(configuration).await;
    accounts.person(ADA).await;
    accounts
}

/// How often a limit has refused somebody, as the metrics tell it.
fn hits(accounts: &TestAccounts, limit: &str) -> f64 {
    let families = accounts.parts.metrics.collectors().into_iter().flat_map(|one| one.collect());
    let numbers: Vec<_> = families.flat_map(|mut family| family.take_metric()).collect();
    let of_limit = numbers.iter().filter(|number| number.get_label()[0].value() == limit);
    of_limit.map(|number| number.get_counter().get_value()).sum()
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

async fn has_its_minute<K: Kind<Wish: Copy>>(accounts: &TestAccounts, wish: K::Wish) {
    let client = Client::native(accounts).at(FIRST_CLIENT);
    let shown = client.begin::<K>(wish).await.unwrap();
    for _ in 0..3 {
        assert_eq!(wait(client.submit(&shown, json!({})).await), None, "{}", K::KIND.as_str());
    }
    let refused = client.submit(&shown, json!({})).await;
    assert_eq!(wait(refused), seconds(15), "{}", K::KIND.as_str());
    let other = Client::native(accounts).at(SECOND_CLIENT);
    let shown = other.begin::<K>(wish).await.unwrap();
    assert_eq!(wait(other.submit(&shown, json!({})).await), None, "{}", K::KIND.as_str());
    accounts.clock.advance(Duration::from_secs(60));
}

#[tokio::test]
async fn one_address_has_its_minute() {
    let accounts = accounts(json!({"requests_per_minute": 4})).await;
    has_its_minute::<LoginDetails>(&accounts, FIRST).await;
    has_its_minute::<RegistrationDetails>(&accounts, ()).await;
    has_its_minute::<RecoveryDetails>(&accounts, ()).await;
    has_its_minute::<VerificationDetails>(&accounts, ()).await;
    assert!((hits(&accounts, "requests") - 4.0).abs() < f64::EPSILON);
}

async fn counts_beginnings<K: Kind<Wish: Copy>>(client: &Client<'_>, accounts: &TestAccounts, wish: K::Wish) {
    for _ in 0..6 {
        client.begin::<K>(wish).await.unwrap();
    }
    assert_eq!(wait(client.begin::<K>(wish).await), seconds(10), "{}", K::KIND.as_str());
    accounts.clock.advance(Duration::from_secs(60));
}

#[tokio::test]
async fn to_begin_a_flow_is_a_request() {
    let accounts = accounts(json!({"requests_per_minute": 6})).await;
    for transport in [Transport::Api, Transport::Browser] {
        let client = || Client::new(&accounts, transport).at(FIRST_CLIENT);
        let signed_in = Client::new(&accounts, transport).at(THIRD_CLIENT).signed_in_again(ADA).await;
        counts_beginnings::<SettingsDetails>(&signed_in.at(FIRST_CLIENT), &accounts, ()).await;
        counts_beginnings::<LoginDetails>(&client(), &accounts, FIRST).await;
        counts_beginnings::<RegistrationDetails>(&client(), &accounts, ()).await;
        counts_beginnings::<RecoveryDetails>(&client(), &accounts, ()).await;
        counts_beginnings::<VerificationDetails>(&client(), &accounts, ()).await;
    }
}

/// How many outcomes say that what was tried is wrong, and how many that it is too soon.
fn looked_at<K: Kind>(outcomes: Vec<Result<Outcome<K>, FlowError>>, wrong: u32) -> (usize, usize) {
    let (mut looked_at, mut too_soon) = (0, 0);
    for outcome in outcomes {
        match outcome {
            Err(error) => {
                assert!(matches!(error, FlowError::TooMany(_)), "{error:?}");
                too_soon += 1;
            }
            Ok(outcome) => {
                assert_eq!(refused(outcome), [wrong]);
                looked_at += 1;
            }
        }
    }
    (looked_at, too_soon)
}

fn typed(code: &str) -> Value {
    json!({"method": "code", "code": code})
}

fn ask(address: &str) -> Value {
    json!({"method": "code", "email": address})
}

async fn count_for_account_and_client<K: Kind<Wish = ()>>(wrong: u32) {
    let accounts = accounts(json!({"requests_per_minute": 0})).await;
    let guess = async |client: [u8; 4], address: &str| {
        let client = Client::native(&accounts).at(client);
        let shown = client.begin::<K>(()).await.unwrap();
        client.submit(&shown, ask(address)).await.unwrap();
        let mut outcomes = Vec::new();
        for code in 0..5 {
            outcomes.push(client.submit(&shown, typed(&format!("00000{code}"))).await);
        }
        looked_at(outcomes, wrong)
    };
    // Known or not: both are counted, and nobody learns which is which.
    for address in [ADA, "nobody@example.org"] {
        assert_eq!(guess(FIRST_CLIENT, address).await, (5, 0), "{address}");
        assert_eq!(guess(FIRST_CLIENT, address).await, (0, 5), "{address}: another flow");
        assert_eq!(guess(SECOND_CLIENT, address).await, (0, 5), "{address}: another client");
    }
    for account in 2..4 {
        assert_eq!(guess(FIRST_CLIENT, &format!("p{account}@example.org")).await, (5, 0));
    }
    assert_eq!(guess(FIRST_CLIENT, "p4@example.org").await, (0, 5), "four accounts' worth of codes");
    assert_eq!(guess(THIRD_CLIENT, "p4@example.org").await, (5, 0), "others are not slowed down");
    accounts.clock.advance(Duration::from_secs(1));
    assert_eq!(guess(THIRD_CLIENT, ADA).await, (1, 4), "one after a pause");
}

#[tokio::test]
async fn wrong_codes_count_for_the_account_and_the_client_from_flow_to_flow() {
    count_for_account_and_client::<RecoveryDetails>(WRONG_RECOVERY_CODE).await;
    count_for_account_and_client::<VerificationDetails>(WRONG_VERIFICATION_CODE).await;
}

#[tokio::test]
async fn at_once_no_more_passwords_are_looked_at_than_one_after_the_other() {
    let accounts = accounts(json!({"requests_per_minute": 0})).await;
    for who in [ADA, "nobody@example.org"] {
        let guesses = (0..40).map(async |guess| {
            let client = Client::native(&accounts).at(FIRST_CLIENT);
            client.attempt(who, &format!("guess-number-{guess}")).await
        });
        assert_eq!(looked_at(at_once(guesses).await, WRONG_PASSWORD), (5, 35), "{who}");
    }
    let sign_ins =
        (0..3).map(async |_| Client::native(&accounts).at(SECOND_CLIENT).attempt(ADA, PASSWORD).await);
    for right in at_once(sign_ins).await {
        done(right.unwrap());
    }
}

async fn no_more_at_once<K: Kind<Wish = ()>>(wrong: u32) {
    let accounts = accounts(json!({"requests_per_minute": 0})).await;
    let client = Client::native(&accounts).at(FIRST_CLIENT);
    let mut all = Vec::new();
    for _ in 0..10 {
        let shown = client.begin::<K>(()).await.unwrap();
        client.submit(&shown, ask(ADA)).await.unwrap();
        all.push(shown);
    }
    let guesses = all.iter().map(async |shown| client.submit(shown, typed("000000")).await);
    assert_eq!(looked_at(at_once(guesses).await, wrong), (5, 5));
}

#[tokio::test]
async fn at_once_no_more_codes_are_looked_at_than_one_after_the_other() {
    no_more_at_once::<RecoveryDetails>(WRONG_RECOVERY_CODE).await;
    no_more_at_once::<VerificationDetails>(WRONG_VERIFICATION_CODE).await;
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_owner_elsewhere_is_not() {
    let accounts = accounts(json!({"free_failures": 2})).await;
    let guesser = Client::native(&accounts).at(FIRST_CLIENT);
    let wrong = async || refused(guesser.attempt(ADA, "Zx-wrong-enough-1").await.unwrap());
    for _ in 0..2 {
        assert_eq!(wrong().await, [WRONG_PASSWORD]);
    }
    assert_eq!(wait(guesser.attempt(ADA, PASSWORD).await), seconds(1));
    assert!((hits(&accounts, "failures") - 1.0).abs() < f64::EPSILON);
    let another = guesser.attempt("nobody@example.org", "Zx-wrong-enough-1").await;
    assert_eq!(refused(another.unwrap()), [WRONG_PASSWORD], "another account");
    done(Client::native(&accounts).at(SECOND_CLIENT).attempt(ADA, PASSWORD).await.unwrap());
    let mut page = Client::browser(&accounts).at(FIRST_CLIENT);
    page.visitor.takes_json = false;
    let told = page.attempt(ADA, PASSWORD).await.unwrap();
    assert_eq!(refused(told), [4_000_900], "a page says it in its form");
    accounts.clock.advance(Duration::from_secs(1));
    assert_eq!(wrong().await, [WRONG_PASSWORD]);
    assert_eq!(wait(guesser.attempt(ADA, PASSWORD).await), seconds(2));
    accounts.clock.advance(Duration::from_secs(2));
    done(guesser.attempt(ADA, PASSWORD).await.unwrap());
    assert_eq!(wrong().await, [WRONG_PASSWORD], "a right password begins anew");
}

#[tokio::test]
async fn an_unknown_account_is_slowed_down_alike() {
    let accounts = accounts(json!({"free_failures": 2})).await;
    for name in [ADA, "nobody@example.org"] {
        let guesser = Client::native(&accounts).at(FIRST_CLIENT);
        let mut waits = Vec::new();
        for _ in 0..3 {
            waits.push(wait(guesser.attempt(name, "Zx-wrong-enough-1").await));
        }
        assert_eq!(waits, [None, None, seconds(1)], "{name}");
    }
}

#[tokio::test]
async fn limits_can_be_switched_off() {
    let accounts = accounts(json!({"requests_per_minute": 0, "free_failures": 0})).await;
    let client = Client::native(&accounts).at(FIRST_CLIENT);
    for _ in 0..20 {
        assert_eq!(refused(client.attempt(ADA, "Zx-wrong-enough-1").await.unwrap()), [WRONG_PASSWORD]);
    }
}

#[tokio::test]
async fn a_code_takes_few_attempts_however_often_it_is_asked_for() {
    let accounts = accounts(json!({})).await;
    let client = Client::native(&accounts);
    let mut shown = client.begin::<RecoveryDetails>(()).await.unwrap();
    for _ in 0..5 {
        shown = client.again(&shown, ask(ADA)).await;
        let code = accounts.mailed_code(ADA).await.unwrap();
        shown = client.again(&shown, typed(wrong_code(&code))).await;
        assert_eq!(said(&shown), [WRONG_RECOVERY_CODE]);
    }
    let more = client.submit(&shown, ask(ADA)).await.unwrap();
    assert_eq!(refused(more), [4_000_001], "five codes are enough for one form");
    assert!(accounts.mailed_code(ADA).await.is_none());
}

async fn takes_five<K: Kind<Wish = ()>>(wrong: u32) {
    let accounts = accounts(json!({})).await;
    let client = Client::native(&accounts);
    let shown = client.begin::<K>(()).await.unwrap();
    let mut shown = client.again(&shown, ask(ADA)).await;
    let code = accounts.mailed_code(ADA).await.unwrap();
    for attempt in [[wrong_code(&code); 5].as_slice(), &[code.as_str()]].concat() {
        shown = client.again(&shown, typed(attempt)).await;
        assert_eq!(said(&shown), [wrong]);
    }
}

#[tokio::test]
async fn after_five_wrong_codes_the_right_one_is_worth_nothing() {
    takes_five::<RecoveryDetails>(WRONG_RECOVERY_CODE).await;
    takes_five::<VerificationDetails>(WRONG_VERIFICATION_CODE).await;
}

#[tokio::test]
async fn a_person_is_sent_few_codes_in_an_hour() {
    let accounts = accounts(json!({"codes_per_hour": 2})).await;
    let client = Client::native(&accounts);
    let asked = async || {
        let shown = client.begin::<RecoveryDetails>(()).await.unwrap();
        client.again(&shown, ask(ADA)).await;
        accounts.mailed_code(ADA).await.is_some()
    };
    for expected in [true, true, false] {
        assert_eq!(asked().await, expected);
    }
    assert!((hits(&accounts, "codes") - 1.0).abs() < f64::EPSILON);
    let shown = client.begin::<VerificationDetails>(()).await.unwrap();
    client.again(&shown, ask(ADA)).await;
    assert!(accounts.mailed_code(ADA).await.is_some(), "verification has its own count");
    accounts.clock.advance(Duration::from_secs(3600));
    assert!(asked().await);
}
