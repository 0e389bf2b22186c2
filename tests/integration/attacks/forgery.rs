//! Forged or planted logs and digests must never pass as "signed by AWS".
