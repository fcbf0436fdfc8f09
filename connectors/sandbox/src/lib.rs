//! Salesforce on loopback: stateful, wire-faithful, with faults on demand.
