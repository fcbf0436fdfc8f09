//! What people read of what happened beside the package.
