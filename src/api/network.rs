//! Networks: named sets of nodes.

use super::channel::ids;
use super::reading::shape;
use crate::domain::command::{Command, PutPolicy};
use crate::domain::ids::Text;
use crate::domain::limits::NETWORK_NODES_MAX;

ids! {
    /// A node of a network.
    NetworkNode in 1, NETWORK_NODES_MAX;
}

shape! {
    /// A named set of nodes, whole; a node may be of several.
    pub struct NetworkPut {
        /// Its nodes.
        pub nodes: Vec<NetworkNode>,
    }
}

impl NetworkPut {
    /// The command for one network.
    pub fn command(self, name: Text) -> Command {
        let nodes = self.nodes.into_iter().map(|NetworkNode(id)| id.0).collect();
        Command::PutPolicy(PutPolicy::Network { name, nodes })
    }
}
