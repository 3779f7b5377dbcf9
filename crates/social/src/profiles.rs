//! How providers say who somebody is that do so in ways of their own: what they are asked, and what their answers mean.

use aws_lc_rs::hmac;
use serde_json::{Map, Value};
use sessera_config::sections::oidc::Provider;

/// A way to say who somebody is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    /// What the provider is asked.
    pub(crate) asks: fn(&Access<'_>) -> Vec<ProfileRequest>,
    /// What its answers mean, in the order of the questions. They are claims by the names of OpenID Connect.
    pub(crate) claims: fn(&[Value], &Access<'_>) -> Map<String, Value>,
}

/// With what a provider is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access<'a> {
    /// The provider.
    pub(crate) provider: &'a Provider,
    /// Where it says who somebody is, where that depends on the configuration.
    pub(crate) user: &'a str,
    /// The token for its API.
    pub(crate) token: &'a str,
    /// What came with that token.
    pub(crate) answer: &'a Value,
}

/// A question of a profile.
#[derive(Clone, Debug)]
pub(crate) struct ProfileRequest {
    /// The address.
    pub(crate) url: String,
    /// The header with the token, where the address has it not.
    pub(crate) header: Option<(&'static str, String)>,
}

fn bearer(url: impl Into<String>, access: &Access<'_>) -> ProfileRequest {
    ProfileRequest { url: url.into(), header: Some(("authorization", format!("Bearer {}", access.token))) }
}

fn with_header(url: &str, name: &'static str, access: &Access<'_>) -> ProfileRequest {
    ProfileRequest { url: url.into(), header: Some((name, access.token.to_owned())) }
}

/// An address with the token as a parameter.
fn with_token(url: &str, name: &str, access: &Access<'_>) -> ProfileRequest {
    let mut url = format!("{url}{name}=");
    url.extend(url::form_urlencoded::byte_serialize(access.token.as_bytes()));
    ProfileRequest { url, header: None }
}

/// Claims of the members of an answer: the name of a claim, and the pointer to its value.
fn taken(from: &Value, issuer: &str, pairs: &[(&str, &str)]) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("iss".into(), issuer.into());
    for (claim, pointer) in pairs {
        let value = from.pointer(pointer).filter(|value| !value.is_null());
        if let Some(value) = value {
            // Ids may be numbers.
            let is_id = *claim == "sub" && value.is_number();
            claims.insert((*claim).into(), if is_id { value.to_string().into() } else { value.clone() });
        }
    }
    claims
}

fn text<'a>(from: &'a Value, pointer: &str) -> &'a str {
    from.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn first(answers: &[Value]) -> &Value {
    answers.first().unwrap_or(&Value::Null)
}

/// The endpoint of OpenID Connect without a token beside it.
pub(crate) const USER_INFO: Profile = Profile {
    asks: |access| vec![bearer(access.user, access)],
    claims: |answers, access| {
        let mut claims = first(answers).as_object().cloned().unwrap_or_default();
        if claims.get("iss").and_then(Value::as_str).is_none_or(str::is_empty) {
            let issuer = access.provider.issuer_url.as_ref().map(url::Url::as_str);
            claims.insert("iss".into(), issuer.unwrap_or(access.user).into());
        }
        claims
    },
};

pub(crate) const UAE_PASS: Profile = Profile {
    asks: |access| vec![bearer(access.user, access)],
    claims: |answers, access| {
        let issuer = access.user.trim_end_matches("/idshub/userinfo");
        let mut claims = first(answers).as_object().cloned().unwrap_or_default();
        let named = taken(
            first(answers),
            issuer,
            &[("name", "/fullnameEN"), ("given_name", "/firstnameEN"), ("last_name", "/lastnameEN")],
        );
        claims.extend(named);
        claims
    },
};

const GITHUB_USER: &str = "https://api.github.com/user";
const GITHUB_EMAILS: &str = "https://api.github.com/user/emails";

pub(crate) const GITHUB: Profile = Profile {
    asks: |access| {
        let granted = text(access.answer, "/scope").split(',').any(|scope| scope.trim() == "user:email");
        let mut asks = vec![bearer(GITHUB_USER, access)];
        asks.extend(granted.then(|| bearer(GITHUB_EMAILS, access)));
        asks
    },
    claims: github,
};

pub(crate) const GITHUB_APP: Profile = Profile {
    asks: |access| vec![bearer(GITHUB_USER, access), bearer(GITHUB_EMAILS, access)],
    claims: github,
};

fn github(answers: &[Value], _: &Access<'_>) -> Map<String, Value> {
    let user = [
        ("sub", "/id"),
        ("name", "/name"),
        ("nickname", "/login"),
        ("website", "/blog"),
        ("picture", "/avatar_url"),
        ("profile", "/html_url"),
        ("updated_at", "/updated_at"),
    ];
    let mut claims = taken(first(answers), "https://github.com/login/oauth/access_token", &user);
    let emails = answers.get(1).and_then(Value::as_array);
    let primary = emails.into_iter().flatten().find(|email| email["primary"] == true);
    if let Some(primary) = primary {
        claims.insert("email".into(), primary["email"].clone());
        claims.insert("email_verified".into(), primary["verified"].clone());
    }
    claims
}

pub(crate) const DISCORD: Profile = Profile {
    asks: |access| vec![bearer("https://discord.com/api/v9/users/@me", access)],
    claims: |answers, _| {
        let user = first(answers);
        let pairs = [
            ("sub", "/id"),
            ("nickname", "/username"),
            ("preferred_username", "/username"),
            ("email", "/email"),
            ("email_verified", "/verified"),
            ("locale", "/locale"),
        ];
        let mut claims = taken(user, "https://discord.com/api/v9/oauth2/", &pairs);
        let name = format!("{}#{}", text(user, "/username"), text(user, "/discriminator"));
        claims.insert("name".into(), name.into());
        let (id, avatar) = (text(user, "/id"), text(user, "/avatar"));
        if !avatar.is_empty() {
            let form = if avatar.starts_with("a_") { "gif" } else { "png" };
            let picture = format!("https://cdn.discordapp.com/avatars/{id}/{avatar}.{form}");
            claims.insert("picture".into(), picture.into());
        }
        claims
    },
};

pub(crate) const SLACK: Profile = Profile {
    asks: |access| vec![bearer("https://slack.com/api/users.identity", access)],
    claims: |answers, _| {
        let pairs = [
            ("sub", "/user/id"),
            ("name", "/user/name"),
            ("preferred_username", "/user/name"),
            ("nickname", "/user/name"),
            ("email", "/user/email"),
            ("picture", "/user/image_512"),
            ("team", "/team/id"),
        ];
        let mut claims = taken(first(answers), "https://slack.com/oauth/", &pairs);
        // Slack has every address confirmed.
        claims.insert("email_verified".into(), true.into());
        claims
    },
};

pub(crate) const SPOTIFY: Profile = Profile {
    asks: |access| vec![bearer("https://api.spotify.com/v1/me", access)],
    claims: |answers, _| {
        let pairs = [
            ("sub", "/id"),
            ("name", "/display_name"),
            ("nickname", "/display_name"),
            ("email", "/email"),
            ("picture", "/images/0/url"),
            ("profile", "/external_urls/spotify"),
            ("birthdate", "/birthdate"),
        ];
        taken(first(answers), "https://accounts.spotify.com/api/token", &pairs)
    },
};

pub(crate) const FACEBOOK: Profile = Profile {
    asks: |access| {
        // Facebook takes a token only from whoever knows the secret.
        let key = hmac::Key::new(hmac::HMAC_SHA256, access.provider.secret().as_bytes());
        let proof = hex::encode(hmac::sign(&key, access.token.as_bytes()).as_ref());
        let fields = "id,name,first_name,last_name,middle_name,email,picture,birthday,gender";
        let url = format!("https://graph.facebook.com/me?fields={fields}&appsecret_proof={proof}");
        vec![bearer(url, access)]
    },
    claims: |answers, _| {
        let pairs = [
            ("sub", "/id"),
            ("name", "/name"),
            ("given_name", "/first_name"),
            ("family_name", "/last_name"),
            ("middle_name", "/middle_name"),
            ("nickname", "/name"),
            ("preferred_username", "/name"),
            ("picture", "/picture/data/url"),
            ("email", "/email"),
            ("gender", "/gender"),
            ("birthdate", "/birthday"),
        ];
        let mut claims = taken(first(answers), "https://graph.facebook.com/me", &pairs);
        // Facebook tells confirmed addresses only.
        claims.insert("email_verified".into(), claims.contains_key("email").into());
        claims
    },
};

pub(crate) const LINKEDIN: Profile = Profile {
    asks: |access| {
        let picture = "profilePicture(displayImage~digitalmediaAsset:playableStreams)";
        let me = format!(
            "https://api.linkedin.com/v2/me?projection=(id,localizedFirstName,localizedLastName,{picture})"
        );
        let email = "https://api.linkedin.com/v2/emailAddress?q=members&projection=(elements*(handle~))";
        vec![bearer(me, access), bearer(email, access)]
    },
    claims: |answers, _| {
        let me = first(answers);
        let pairs =
            [("sub", "/id"), ("given_name", "/localizedFirstName"), ("last_name", "/localizedLastName")];
        let mut claims = taken(me, "https://login.linkedin.com/", &pairs);
        let pictures = me.pointer("/profilePicture/displayImage~0/elements").and_then(Value::as_array);
        let pictures = pictures.map(Vec::as_slice).unwrap_or_default();
        if let Some(picture) = pictures.get(..pictures.len().min(3)).and_then(<[Value]>::last) {
            claims.insert("picture".into(), text(picture, "/identifiers/0/identifier").into());
        }
        let email = text(answers.get(1).unwrap_or(&Value::Null), "/elements/0/handle~0/emailAddress");
        claims.insert("email".into(), email.into());
        claims
    },
};

pub(crate) const AMAZON: Profile = Profile {
    asks: |access| vec![with_header("https://api.amazon.com/user/profile", "x-amz-access-token", access)],
    claims: |answers, _| {
        let pairs =
            [("sub", "/user_id"), ("name", "/name"), ("email", "/email"), ("zoneinfo", "/postal_code")];
        taken(first(answers), "https://api.amazon.com/auth/o2/token", &pairs)
    },
};

const DINGTALK_ME: &str = "https://api.dingtalk.com/v1.0/contact/users/me";

pub(crate) const DINGTALK: Profile = Profile {
    asks: |access| vec![with_header(DINGTALK_ME, "x-acs-dingtalk-access-token", access)],
    claims: |answers, _| {
        let pairs = [
            ("sub", "/openId"),
            ("nickname", "/nick"),
            ("name", "/nick"),
            ("picture", "/avatarUrl"),
            ("email", "/email"),
        ];
        taken(first(answers), DINGTALK_ME, &pairs)
    },
};

const LARK_USER: &str = "https://passport.feishu.cn/suite/passport/oauth/userinfo";

pub(crate) const LARK: Profile = Profile {
    asks: |access| vec![bearer(LARK_USER, access)],
    claims: |answers, _| {
        let pairs = [
            ("sub", "/open_id"),
            ("name", "/name"),
            ("nickname", "/name"),
            ("picture", "/avatar_url"),
            ("email", "/email"),
            ("phone_number", "/mobile"),
        ];
        taken(first(answers), LARK_USER, &pairs)
    },
};

pub(crate) const PATREON: Profile = Profile {
    asks: |access| {
        let fields = "fields%5Buser%5D=first_name,last_name,url,full_name,email,image_url";
        vec![bearer(format!("https://www.patreon.com/api/oauth2/v2/identity?{fields}"), access)]
    },
    claims: |answers, _| {
        let pairs = [
            ("sub", "/data/id"),
            ("name", "/data/attributes/full_name"),
            ("email", "/data/attributes/email"),
            ("given_name", "/data/attributes/first_name"),
            ("family_name", "/data/attributes/last_name"),
            ("last_name", "/data/attributes/last_name"),
            ("picture", "/data/attributes/image_url"),
        ];
        taken(first(answers), "https://www.patreon.com/", &pairs)
    },
};

const VK_USERS: &str = "https://api.vk.com/method/users.get";

pub(crate) const VK: Profile = Profile {
    asks: |access| {
        let url = format!("{VK_USERS}?fields=photo_200,nickname,bdate,sex&v=5.103&");
        vec![with_token(&url, "access_token", access)]
    },
    claims: |answers, access| {
        let pairs = [
            ("sub", "/response/0/id"),
            ("given_name", "/response/0/first_name"),
            ("family_name", "/response/0/last_name"),
            ("nickname", "/response/0/nickname"),
            ("picture", "/response/0/photo_200"),
            ("birthdate", "/response/0/bdate"),
        ];
        let user = first(answers);
        let mut claims = taken(user, VK_USERS, &pairs);
        let gender = match user.pointer("/response/0/sex").and_then(Value::as_i64) {
            Some(1) => "female",
            Some(2) => "male",
            _ => "",
        };
        claims.insert("gender".into(), gender.into());
        // The address comes with the token.
        claims.insert("email".into(), text(access.answer, "/email").into());
        claims
    },
};

pub(crate) const YANDEX: Profile = Profile {
    asks: |access| vec![with_token("https://login.yandex.ru/info?format=json&", "oauth_token", access)],
    claims: |answers, _| {
        let pairs = [
            ("sub", "/id"),
            ("given_name", "/first_name"),
            ("family_name", "/last_name"),
            ("email", "/default_email"),
            ("gender", "/sex"),
            ("birthdate", "/birthday"),
        ];
        let user = first(answers);
        let mut claims = taken(user, "https://login.yandex.ru/info", &pairs);
        if user["is_avatar_empty"] != true {
            let avatar = text(user, "/default_avatar_id");
            let picture = format!("https://avatars.yandex.net/get-yapic/{avatar}/islands-200");
            claims.insert("picture".into(), picture.into());
        }
        claims
    },
};
