//! What an engineer meets: flags, profiles, configuration, suggestions.
