//! What a flow says to a person, under the numbers of the wire contract.
//!
//! A message is a number and a context; its sentence comes from a catalogue, a JSON file by language
//! that maps numbers to sentences with places such as `{min_length}` for members of the context. The
//! wire always carries the English sentence; pages may take another language's for the same number.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use sessera_model::Timestamp;

use crate::language::Language;

/// Declares [`MessageId`] from one table, so that the list of all numbers cannot miss one.
macro_rules! message_ids {
    ($($(#[$documentation:meta])* $name:ident = $number:literal,)*) => {
        /// The numbers of all messages. The first digits tell the flow: 101 login, 104 registration,
        /// 105 settings, 106 recovery, 107 labels, 108 verification; from 400 on they are errors.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum MessageId {
            $($(#[$documentation])* $name = $number,)*
        }

        impl MessageId {
            /// All numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

message_ids! {
    /// Button: sign in.
    SignIn = 1_010_001,
    /// Please confirm that it is you.
    ConfirmIdentity = 1_010_003,
    /// A second factor is asked for.
    SecondFactorNeeded = 1_010_004,
    /// Label: code of the authenticator app.
    TotpLabel = 1_010_006,
    /// Label: printed code.
    LookupLabel = 1_010_007,
    /// Button: sign in with an authenticator app.
    UseTotp = 1_010_009,
    /// Button: sign in with a printed code.
    UseLookup = 1_010_010,
    /// Button: sign in with a passkey.
    SignInWithPasskey = 1_010_021,
    /// Button: sign in with a password.
    SignInWithPassword = 1_010_022,
    /// Button: sign up.
    SignUp = 1_040_001,
    /// Button: back to the first step.
    BackToProfile = 1_040_008,
    /// Choose how to sign in from now on.
    ChooseCredential = 1_040_009,
    /// Changes are saved.
    SettingsSaved = 1_050_001,
    /// Button: unlink the authenticator app.
    UnlinkTotp = 1_050_004,
    /// Label: QR code for the authenticator app.
    TotpQrCode = 1_050_005,
    /// The secret for the authenticator app.
    TotpSecret = 1_050_006,
    /// Button: show the printed codes.
    RevealLookup = 1_050_007,
    /// Button: make new printed codes.
    RegenerateLookup = 1_050_008,
    /// One printed code.
    LookupSecret = 1_050_009,
    /// Label: the list of printed codes.
    LookupSecretsLabel = 1_050_010,
    /// Button: the codes are kept safe.
    ConfirmLookup = 1_050_011,
    /// A printed code that was used.
    LookupSecretUsed = 1_050_014,
    /// All printed codes.
    LookupSecrets = 1_050_015,
    /// Button: stop using printed codes.
    DisableLookup = 1_050_016,
    /// Label: the secret for the authenticator app.
    TotpSecretLabel = 1_050_017,
    /// Button: add a passkey.
    AddPasskey = 1_050_019,
    /// Button: remove a passkey.
    RemovePasskey = 1_050_020,
    /// The account is recovered.
    Recovered = 1_060_001,
    /// A recovery code was sent.
    RecoveryCodeSent = 1_060_003,
    /// Label: password.
    PasswordLabel = 1_070_001,
    /// Label: taken from the identity schema.
    FieldLabel = 1_070_002,
    /// Button: save.
    Save = 1_070_003,
    /// Button: submit.
    Submit = 1_070_005,
    /// Label: code to be checked.
    VerifyCodeLabel = 1_070_006,
    /// Label: any identifier.
    IdentifierLabel = 1_070_004,
    /// Label: e-mail address.
    EmailLabel = 1_070_007,
    /// Button: send the code again.
    ResendCode = 1_070_008,
    /// Button: go on.
    Continue = 1_070_009,
    /// Label: recovery code.
    RecoveryCodeLabel = 1_070_010,
    /// Label: verification code.
    VerificationCodeLabel = 1_070_011,
    /// The address is verified.
    AddressVerified = 1_080_002,
    /// A verification code was sent.
    VerificationCodeSent = 1_080_003,
    /// Something is wrong; the context says what.
    Invalid = 4_000_001,
    /// A value is missing.
    Required = 4_000_002,
    /// A text is too short.
    TooShort = 4_000_003,
    /// A text does not fit its pattern.
    PatternMismatch = 4_000_004,
    /// A password cannot be used; the context says why.
    PasswordRefused = 4_000_005,
    /// Identifier or password is wrong.
    InvalidCredentials = 4_000_006,
    /// An account with this identifier exists.
    Duplicate = 4_000_007,
    /// The code of the authenticator app is wrong.
    TotpWrong = 4_000_008,
    /// The traits hold nothing to sign in with.
    IdentifierMissing = 4_000_009,
    /// The address must be verified first.
    AddressNotVerified = 4_000_010,
    /// No authenticator app is set up.
    NoTotp = 4_000_011,
    /// The printed code was used before.
    LookupAlreadyUsed = 4_000_012,
    /// No printed codes are set up.
    NoLookup = 4_000_014,
    /// The passkey is nobody's, or its answer does not fit.
    PasskeyUnknown = 4_000_015,
    /// The printed code is wrong.
    LookupWrong = 4_000_016,
    /// A text is too long.
    TooLong = 4_000_017,
    /// A number is too small.
    BelowMinimum = 4_000_018,
    /// A number is not above its bound.
    NotAboveMinimum = 4_000_019,
    /// A number is too large.
    AboveMaximum = 4_000_020,
    /// A number is not below its bound.
    NotBelowMaximum = 4_000_021,
    /// A number is no multiple.
    NotMultiple = 4_000_022,
    /// A list is too long.
    TooManyItems = 4_000_023,
    /// A list is too short.
    TooFewItems = 4_000_024,
    /// A list holds a value twice.
    RepeatedItems = 4_000_025,
    /// A value is of the wrong type.
    WrongType = 4_000_026,
    /// A value must be another one.
    NotConstant = 4_000_029,
    /// The password resembles the identifier.
    PasswordTooSimilar = 4_000_031,
    /// The password is too short.
    PasswordTooShort = 4_000_032,
    /// The password is too long.
    PasswordTooLong = 4_000_033,
    /// The new password is the old one.
    PasswordUnchanged = 4_000_039,
    /// No e-mail address.
    NotAnEmail = 4_000_040,
    /// No telephone number.
    NotATelephoneNumber = 4_000_041,
    /// Too many wrong attempts; not a number of the contract.
    TooManyAttempts = 4_000_900,
    /// A new passkey cannot be taken; not a number of the contract.
    PasskeyRefused = 4_000_901,
    /// Nothing would be left to sign in with; not a number of the contract.
    LastCredential = 4_000_902,
    /// There is no such passkey; not a number of the contract.
    NoSuchPasskey = 4_000_903,
    /// The login flow has expired.
    LoginExpired = 4_010_001,
    /// No method that can sign in.
    NoLoginMethod = 4_010_002,
    /// No method that can sign up.
    NoRegistrationMethod = 4_010_003,
    /// No method that can change settings.
    NoSettingsMethod = 4_010_004,
    /// No method that can recover.
    NoRecoveryMethod = 4_010_005,
    /// No method that can verify.
    NoVerificationMethod = 4_010_006,
    /// The account is disabled.
    AccountDisabled = 4_010_011,
    /// The registration flow has expired.
    RegistrationExpired = 4_040_001,
    /// The settings flow has expired.
    SettingsExpired = 4_050_001,
    /// The recovery flow is over.
    RecoveryAlreadyDone = 4_060_001,
    /// The recovery flow has expired.
    RecoveryExpired = 4_060_005,
    /// The recovery code is wrong.
    RecoveryCodeWrong = 4_060_006,
    /// The verification flow is over.
    VerificationAlreadyDone = 4_070_002,
    /// The verification flow has expired.
    VerificationExpired = 4_070_005,
    /// The verification code is wrong.
    VerificationCodeWrong = 4_070_006,
}

/// The sentences of a language: a JSON object from numbers to sentences.
const fn file(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("messages.en.json"),
        Language::De => include_str!("messages.de.json"),
    }
}

/// How a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// It tells.
    Info,
    /// Something is to be mended.
    Error,
    /// Something is done.
    Success,
}

impl MessageKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Error => "error",
            Self::Success => "success",
        }
    }
}

impl MessageId {
    /// The number on the wire.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The message with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|id| id.number() == number)
    }

    /// How it is meant.
    pub const fn kind(self) -> MessageKind {
        match self {
            Self::SettingsSaved | Self::Recovered | Self::AddressVerified => MessageKind::Success,
            _ if self.number() >= 4_000_000 => MessageKind::Error,
            _ => MessageKind::Info,
        }
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.number())
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        Self::from_number(number)
            .ok_or_else(|| serde::de::Error::custom(format_args!("there is no message {number}")))
    }
}

/// A message: its number and what its sentence speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// What the sentence speaks of, empty for most.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

impl From<MessageId> for Message {
    fn from(id: MessageId) -> Self {
        Self { id, context: Map::new() }
    }
}

impl Message {
    /// A message whose sentence speaks of something. `context` is a JSON object.
    pub fn with_context(id: MessageId, context: Value) -> Self {
        let context = if let Value::Object(context) = context { context } else { Map::new() };
        Self { id, context }
    }

    /// Something is wrong that has no message of its own.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::with_context(MessageId::Invalid, json!({ "reason": reason.into() }))
    }

    /// A value is missing.
    pub fn required(property: &str) -> Self {
        Self::with_context(MessageId::Required, json!({ "property": property }))
    }

    /// A value is of the wrong type.
    pub fn wrong_type(allowed: &[&str], actual: &str) -> Self {
        Self::with_context(MessageId::WrongType, json!({ "allowed_types": allowed, "actual_type": actual }))
    }

    /// The label of a field of the identity schema.
    pub fn field_label(name: &str, title: &str) -> Self {
        Self::with_context(MessageId::FieldLabel, json!({ "name": name, "title": title }))
    }

    /// The secret for an authenticator app, in base32.
    pub fn totp_secret(secret: &str) -> Self {
        Self::with_context(MessageId::TotpSecret, json!({ "secret": secret }))
    }

    /// A flow has expired. `id` is the message of its kind.
    pub fn expired(id: MessageId, at: Timestamp) -> Self {
        Self::with_context(id, json!({ "expired_at": at, "expired_at_unix": at.seconds() }))
    }

    /// Too many wrong attempts; `wait` is the time until the next one is looked at.
    pub fn too_many_attempts(wait: Duration) -> Self {
        let minutes = wait.as_secs().div_ceil(60);
        Self::with_context(MessageId::TooManyAttempts, json!({ "minutes": minutes }))
    }

    /// The button that removes a passkey.
    pub fn remove_passkey(name: &str, added_at: Timestamp) -> Self {
        let day = added_at.to_string();
        Self::with_context(
            MessageId::RemovePasskey,
            json!({
                "display_name": name,
                "added_at": added_at,
                "added_at_unix": added_at.seconds(),
                "added_on": day.get(..10),
            }),
        )
    }

    /// All printed codes; those that were used carry the time.
    pub fn lookup_secrets(codes: &[(String, Option<Timestamp>)]) -> Self {
        let codes = codes.iter().map(|(code, used_at)| match used_at {
            None => Self::with_context(MessageId::LookupSecret, json!({ "secret": code })).to_json(),
            Some(at) => Self::with_context(
                MessageId::LookupSecretUsed,
                json!({ "used_at": at, "used_at_unix": at.seconds() }),
            )
            .to_json(),
        });
        let codes = Value::Array(codes.collect());
        Self::with_context(MessageId::LookupSecrets, json!({ "secrets": codes }))
    }

    /// The sentence in English.
    pub fn text(&self) -> String {
        Catalogue::of(Language::En).sentence(self)
    }

    /// The message as JSON on the wire.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "id": self.id.number(),
            "text": self.text(),
            "type": self.id.kind().as_str(),
        });
        if !self.context.is_empty() {
            json["context"] = Value::Object(self.context.clone());
        }
        json
    }
}

/// The sentences of one language.
#[derive(Debug, Default)]
pub struct Catalogue(HashMap<MessageId, String>);

impl Catalogue {
    /// Reads a catalogue: a JSON object from numbers (as strings) to sentences. Unknown numbers are
    /// passed over, so that a catalogue may be older or newer than the server.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let sentences: HashMap<String, String> = serde_json::from_str(json)?;
        Ok(Self(
            sentences
                .into_iter()
                .filter_map(|(number, sentence)| {
                    Some((MessageId::from_number(number.parse().ok()?)?, sentence))
                })
                .collect(),
        ))
    }

    /// The catalogue of a language. A test makes sure that each can be read and knows every message.
    pub fn of(language: Language) -> &'static Self {
        static CATALOGUES: LazyLock<HashMap<Language, Catalogue>> = LazyLock::new(|| {
            let read = |language| Catalogue::parse(file(language)).unwrap_or_default();
            Language::ALL.into_iter().map(|language| (language, read(language))).collect()
        });
        static NONE: LazyLock<Catalogue> = LazyLock::new(Catalogue::default);
        CATALOGUES.get(&language).unwrap_or(&NONE)
    }

    /// Whether the catalogue knows a message.
    pub fn knows(&self, id: MessageId) -> bool {
        self.0.contains_key(&id)
    }

    /// The sentence of a message; its number when the catalogue does not know it.
    pub fn sentence(&self, message: &Message) -> String {
        let Some(sentence) = self.0.get(&message.id) else { return message.id.number().to_string() };
        let mut text = String::with_capacity(sentence.len());
        let mut rest = sentence.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((place, behind)) = after.split_once('}') else { break };
            text.push_str(before);
            text.push_str(&shown(message.context.get(place)));
            rest = behind;
        }
        text.push_str(rest);
        text
    }
}

/// A member of the context as it stands in a sentence.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| shown(Some(item.get("text").unwrap_or(item))))
            .collect::<Vec<_>>()
            .join(", "),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(language: Language) -> HashMap<String, String> {
        serde_json::from_str(file(language)).expect("the catalogue is a JSON object of texts")
    }

    /// The places of a sentence, in order of their names.
    fn places(sentence: &str) -> Vec<&str> {
        let mut places: Vec<&str> =
            sentence.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0)).collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn every_catalogue_knows_every_message_and_nothing_else() {
        for language in Language::ALL {
            assert_eq!(read(language).len(), MessageId::ALL.len(), "{language:?}");
            for id in MessageId::ALL {
                assert!(Catalogue::of(language).knows(*id), "{language:?}: {id:?} has no sentence");
            }
        }
    }

    #[test]
    fn translations_have_the_places_of_the_english_sentences() {
        let english = read(Language::En);
        for language in Language::ALL {
            for (number, sentence) in read(language) {
                assert_eq!(places(&sentence), places(&english[&number]), "{language:?}: {number}");
            }
        }
    }

    #[test]
    fn places_are_filled_from_the_context() {
        let message =
            Message::with_context(MessageId::PasswordTooShort, json!({"min_length": 8, "actual_length": 5}));
        assert_eq!(message.to_json()["type"], "error");
        assert_eq!(message.to_json()["context"]["min_length"], 8);
        assert!(message.text().contains('8'), "{}", message.text());
        assert_eq!(Message::field_label("traits.email", "E-Mail").text(), "E-Mail");
        assert_eq!(
            Message::wrong_type(&["integer", "null"], "string").text().matches("integer, null").count(),
            1
        );
    }

    #[test]
    fn printed_codes_are_listed_with_their_own_messages() {
        let at = Timestamp::from_seconds(60);
        let json = Message::lookup_secrets(&[("abc".into(), None), ("def".into(), Some(at))]).to_json();
        assert_eq!(json["context"]["secrets"][0]["context"]["secret"], "abc");
        assert_eq!(json["context"]["secrets"][1]["id"], 1_050_014);
        assert!(json["text"].as_str().is_some_and(|text| text.starts_with("abc, ")));
        assert!(!json.to_string().contains("def"), "a used code is not shown again");
    }

    #[test]
    fn what_is_stored_reads_back() {
        let message = Message::required("email");
        let stored = serde_json::to_string(&message).expect("has a JSON form");
        assert_eq!(serde_json::from_str::<Message>(&stored).expect("reads back"), message);
        assert!(serde_json::from_str::<Message>(r#"{"id": 1}"#).is_err());
    }

    #[test]
    fn a_catalogue_may_be_strange() {
        let catalogue = Catalogue::parse(r#"{"1010001": "{unclosed", "7": "unknown"}"#).expect("is JSON");
        assert_eq!(catalogue.sentence(&MessageId::SignIn.into()), "{unclosed");
        assert_eq!(catalogue.sentence(&MessageId::SignUp.into()), "1040001");
    }
}
