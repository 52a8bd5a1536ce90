//! Sizes, shares, times and processor counts as people write them, and back.
