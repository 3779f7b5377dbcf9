//! Nothing is said that the flow does not say itself.

use crate::messages::message_ids;

message_ids! {}
