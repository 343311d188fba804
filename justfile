# What is typed most. Everything that must hold: just ci.

_list:
    @just --list

# Format the code
fmt:
    cargo fmt

# What the compiler, clippy and rustdoc say
lint:
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --document-private-items

# All tests
test:
    cargo test

# The dashboard over a simulated upstream
demo:
    cargo run --release -- --demo

# Everything that must hold before a change is taken
ci:
    .ci/run
