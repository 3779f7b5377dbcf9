//! What the pages say besides the flows' own messages: headings, explanations, labels of their buttons.

mod texts;

pub mod device;
pub mod vocabulary;

pub use texts::Texts;
pub use vocabulary::{Vocabulary, Words};

crate::words! {
    /// A word, a sentence or a heading of the pages; its key names it in the files of the languages.
    pub enum Word;
    /// Heading above the list of what is wrong.
    ProblemTitle = "problem.title",
    /// Before the title of a page on which something is wrong.
    ProblemPrefix = "problem.prefix",
    /// Behind the label of a field that may stay empty.
    Optional = "field.optional",
    /// The empty choice of a list.
    Choose = "field.choose",
    /// Under the field for a new password; `{length}` is the least number of characters.
    PasswordHint = "field.password.hint",
    /// The page of signing in.
    LoginTitle = "login.title",
    /// The page of signing in again.
    RefreshTitle = "refresh.title",
    /// Whom the page of signing in asks that was told who it is.
    LoginAs = "login.as",
    /// Whom the page of signing in again asks.
    RefreshAs = "refresh.as",
    /// Before the link that leads to signing up.
    NoAccount = "login.no_account",
    /// The link that leads to signing up.
    ToRegistration = "login.to_registration",
    /// The link that leads to recovery.
    ToRecovery = "login.to_recovery",
    /// The page of the second factor.
    SecondFactorTitle = "second_factor.title",
    /// What that page says to somebody who has set up none.
    NoSecondFactor = "second_factor.none",
    /// To the page where one is set up.
    SetUpSecondFactor = "second_factor.to_settings",
    /// The page of signing up.
    RegistrationTitle = "registration.title",
    /// The second page of signing up.
    CredentialsTitle = "credentials.title",
    /// Heading of the page on which one chooses among several ways to sign in.
    WaysTitle = "credentials.ways",
    /// Before the link that leads to signing in.
    HaveAccount = "registration.have_account",
    /// The link that leads to signing in.
    ToLogin = "registration.to_login",
    /// The page of recovery.
    RecoveryTitle = "recovery.title",
    /// What it asks for.
    RecoveryLead = "recovery.lead",
    /// The page on which a code of a message is typed.
    CodeTitle = "code.title",
    /// The page that verifies an address.
    VerificationTitle = "verification.title",
    /// What it asks for.
    VerificationLead = "verification.lead",
    /// The page that says that an address is verified.
    VerifiedTitle = "verified.title",
    /// The page of one's own account.
    SettingsTitle = "settings.title",
    /// A section of it.
    ProfileTitle = "settings.profile.title",
    /// What it is for.
    ProfileLead = "settings.profile.lead",
    /// A section of it.
    PasswordTitle = "settings.password.title",
    /// What it is for.
    PasswordLead = "settings.password.lead",
    /// A section of it.
    TotpTitle = "settings.totp.title",
    /// How to set it up.
    TotpLead = "settings.totp.lead",
    /// It is set up.
    TotpLinked = "settings.totp.linked",
    /// A section of it.
    LookupTitle = "settings.lookup.title",
    /// What it is for.
    LookupLead = "settings.lookup.lead",
    /// A section of it.
    PasskeysTitle = "settings.passkeys.title",
    /// What it is for.
    PasskeysLead = "settings.passkeys.lead",
    /// Heading of the part about accounts at other providers.
    ProvidersTitle = "settings.providers.title",
    /// What they are for.
    ProvidersLead = "settings.providers.lead",
    /// Heading of the part about security keys.
    SecurityKeysTitle = "settings.security_keys.title",
    /// What security keys are for.
    SecurityKeysLead = "settings.security_keys.lead",
    /// The browser came back without a security key.
    SecurityKeyFailed = "security_key.failed",
    /// Without scripts, or in an old browser, there are no security keys.
    SecurityKeyNeedsScript = "security_key.needs_script",
    /// The browser came back without a passkey.
    PasskeyFailed = "passkey.failed",
    /// Without scripts, or in an old browser, there are no passkeys.
    PasskeyNeedsScript = "passkey.needs_script",
    /// Behind a code that was used.
    LookupUsed = "settings.lookup.used",
    /// A section of it.
    SessionsTitle = "sessions.title",
    /// What it shows.
    SessionsLead = "sessions.lead",
    /// Marks the session of this browser.
    SessionsThis = "sessions.this",
    /// There are no others.
    SessionsNone = "sessions.none",
    /// When a session was last used; `{time}` says it.
    SessionsUsed = "sessions.used",
    /// A client whose name is not known.
    SessionsUnknown = "sessions.unknown",
    /// A browser on a system; `{browser}` and `{system}` are their names.
    SessionsDevice = "sessions.device",
    /// Button: end a session.
    SessionsRevoke = "sessions.revoke",
    /// What that button ends, for those who hear the page; `{device}` names it.
    SessionsRevokeOf = "sessions.revoke_of",
    /// Button: end all other sessions.
    SessionsRevokeOthers = "sessions.revoke_others",
    /// One was ended.
    SessionsRevoked = "sessions.revoked",
    /// There are more than the list shows.
    SessionsMore = "sessions.more",
    /// Button: sign out.
    SignOut = "sign_out.button",
    /// The page that asks.
    SignOutTitle = "sign_out.title",
    /// What it asks.
    SignOutLead = "sign_out.lead",
    /// The page that says it is done.
    SignedOutTitle = "signed_out.title",
    /// What it says.
    SignedOutLead = "signed_out.lead",
    /// The link that leads to signing in.
    SignIn = "signed_out.sign_in",
    /// The front page.
    HomeTitle = "home.title",
    /// What it says; `{account}` names the account.
    HomeLead = "home.lead",
    /// The link that leads to the settings.
    ToSettings = "home.to_settings",
    /// The page that shows an error.
    ErrorTitle = "error.title",
    /// Nothing more is known.
    ErrorOther = "error.other",
    /// A form of another browser, or cookies are blocked.
    ErrorForeignForm = "error.foreign_form",
    /// There is no such page or form.
    ErrorMissing = "error.missing",
    /// A form that has ended.
    ErrorEnded = "error.ended",
    /// A flow that is switched off.
    ErrorDisabled = "error.disabled",
    /// An address that is not allowed.
    ErrorReturnTo = "error.return_to",
    /// Too many attempts.
    ErrorTooMany = "error.too_many",
    /// Two requests at the same time.
    ErrorOutrun = "error.outrun",
    /// The server's fault.
    ErrorServer = "error.server",
    /// What may be told to those who run the site.
    ErrorDetails = "error.details",
    /// The error's id.
    ErrorId = "error.id",
    /// The link that leads to the start.
    ErrorToStart = "error.to_start",
    /// Less than a minute ago.
    TimeNow = "time.now",
    /// `{count}` minutes ago.
    TimeMinutes = "time.minutes",
    /// `{count}` hours ago.
    TimeHours = "time.hours",
    /// One day ago.
    TimeYesterday = "time.yesterday",
    /// `{count}` days ago.
    TimeDays = "time.days",
    /// On a day; `{date}` is the day.
    TimeDate = "time.date",
}
