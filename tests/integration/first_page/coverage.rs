//! Coverage and exit codes: page one never says more than is known of the window asked for.
