//! The domain: identities, sessions, devices, credentials and their wire JSON.
