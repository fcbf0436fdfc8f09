//! Salesforce's query language (SOQL) and formula language as pure interpreters.
