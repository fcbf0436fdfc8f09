//! Salesforce as conversations: queries, composite reads, collections writes, hints. No I/O.
