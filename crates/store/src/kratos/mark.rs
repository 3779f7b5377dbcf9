//! What a database remembers of the server that people came from, so that a second run carries only what changed there
//! meanwhile.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sessera_model::{Timestamp, Uuid};

use crate::error::StoreError;
use crate::transfer::{META, Tables, Value};

/// Under which name it stands.
const NAME: &str = "came_from_kratos";

/// From where people came, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The network of the other server; absent when it had nobody.
    pub(super) network: Option<String>,
    /// Everything that was changed there before this time was looked at.
    pub(super) at: Timestamp,
    /// That time of the first run. What was made before it came from there.
    pub(super) first: Timestamp,
    /// The ids of people and sessions that were made later and came from there nevertheless. All others may have come here
    /// first.
    #[serde(default)]
    pub(super) later: BTreeSet<Uuid>,
}

impl Mark {
    /// What a database remembers. `None` when nobody came from another server.
    pub(super) async fn read(tables: &dyn Tables) -> Result<Option<Self>, StoreError> {
        for row in tables.read(META, None, 100).await? {
            if let [Value::Text(name), Value::Bytes(content)] = &row[..]
                && name == NAME
            {
                let mark = serde_json::from_slice(content);
                return mark.map(Some).map_err(|error| StoreError::Corrupt(format!("{NAME}: {error}")));
            }
        }
        Ok(None)
    }

    /// Writes the mark into a database.
    pub(super) async fn write(&self, tables: &dyn Tables) -> Result<(), StoreError> {
        // Texts and times always have a JSON form.
        let content = serde_json::to_vec(self).unwrap_or_default();
        tables.write(META, &[vec![Value::Text(NAME.into()), Value::Bytes(content)]]).await
    }
}
