//! Modules, tokens and sessions.

use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::object::ObjectHandle;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use crate::error::Pkcs11Error;
use crate::pool::Pool;
use crate::uri::TokenUri;

/// More bytes than the file of a PIN has.
const MAX_PIN: u64 = 64 * 1024;

/// A session that is logged in, and the keys that were found in it.
pub(crate) struct Open {
    pub(crate) session: Session,
    /// The keys by their labels and ids.
    pub(crate) handles: HashMap<(Option<String>, Option<Vec<u8>>), ObjectHandle>,
}

/// The modules that were initialised. Each is initialised once in a process and stays so.
static MODULES: LazyLock<Mutex<HashMap<PathBuf, Pkcs11>>> = LazyLock::new(Mutex::default);

/// Tokens in use. They outlive configurations, so that a change of one does not open all sessions again.
static TOKENS: LazyLock<Mutex<HashMap<TokenUri, Arc<Pool<Open>>>>> = LazyLock::new(Mutex::default);

/// The threads that talk to a token.
pub(crate) fn pool(uri: &TokenUri) -> Arc<Pool<Open>> {
    let mut tokens = TOKENS.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let uri = uri.clone();
        Arc::new(Pool::new(move || connect(&uri)))
    };
    tokens.entry(uri.clone()).or_insert_with(make).clone()
}

/// Says what an error of the library means.
pub(crate) fn from_library(error: Error) -> Pkcs11Error {
    match error {
        Error::Pkcs11(
            RvError::SessionHandleInvalid
            | RvError::SessionClosed
            | RvError::DeviceError
            | RvError::DeviceRemoved
            | RvError::TokenNotPresent
            | RvError::UserNotLoggedIn
            | RvError::ObjectHandleInvalid
            | RvError::KeyHandleInvalid,
            _,
        ) => Pkcs11Error::Lost(short(&error)),
        other => Pkcs11Error::Refused(short(&other)),
    }
}

/// Names an error by its code, because the library's explanations are long.
fn short(error: &Error) -> String {
    match error {
        Error::Pkcs11(code, function) => format!("{code:?} from {function}"),
        other => other.to_string(),
    }
}

fn module(path: &Path) -> Result<Pkcs11, Pkcs11Error> {
    let failed = |error: Error| Pkcs11Error::Module { path: path.to_owned(), problem: short(&error) };
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = modules.get(path) {
        return Ok(module.clone());
    }
    let module = Pkcs11::new(path).map_err(failed)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(failed(error)),
    }
    modules.insert(path.to_owned(), module.clone());
    Ok(module)
}

fn connect(uri: &TokenUri) -> Result<Open, Pkcs11Error> {
    let module = module(&uri.module)?;
    let session = module.open_ro_session(slot(&module, uri)?).map_err(from_library)?;
    if let Some(path) = &uri.pin_source {
        let failed =
            |error: std::io::Error| Pkcs11Error::Pin { path: path.clone(), problem: error.to_string() };
        let mut pin = Zeroizing::new(String::new());
        let mut file = fs::File::open(path).map_err(failed)?.take(MAX_PIN);
        file.read_to_string(&mut pin).map_err(failed)?;
        // A part of it would be a wrong PIN, of which a token takes a few only.
        if pin.len() as u64 == MAX_PIN {
            return Err(failed(ErrorKind::FileTooLarge.into()));
        }
        // The login belongs to the token, not to the session, so another session may have done it.
        match session
            .login(UserType::User, Some(&AuthPin::from(pin.trim_start_matches('\u{FEFF}').trim_end())))
        {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(from_library(error)),
        }
    }
    Ok(Open { session, handles: HashMap::new() })
}

/// Finds the one token that fits.
fn slot(module: &Pkcs11, uri: &TokenUri) -> Result<Slot, Pkcs11Error> {
    let mut fitting = Vec::new();
    for slot in module.get_slots_with_initialized_token().map_err(from_library)? {
        let token = module.get_token_info(slot).map_err(from_library)?;
        let fits =
            |wanted: &Option<String>, there: &str| wanted.as_ref().is_none_or(|wanted| wanted == there);
        if fits(&uri.label, token.label())
            && fits(&uri.serial, token.serial_number())
            && fits(&uri.manufacturer, token.manufacturer_id())
            && fits(&uri.model, token.model())
        {
            fitting.push(slot);
        }
    }
    match fitting.as_slice() {
        [one] => Ok(*one),
        other => Err(Pkcs11Error::Tokens { found: other.len() }),
    }
}
