{
  description = "Terminal dashboard and local proxy for people who hold several Kimi API keys";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      forAll = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      manifest = (nixpkgs.lib.importTOML ./Cargo.toml).package;
    in
    {
      packages = forAll (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = manifest.name;
          version = manifest.version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          # The tests need loopback sockets and a terminal; they run in the repository.
          doCheck = false;
          postInstall = ''
            $out/bin/kmi-tui --lang en man --dir man
            installManPage man/*.1
            for shell in bash zsh fish; do
              $out/bin/kmi-tui --lang en completions $shell > kmi-tui.$shell
            done
            installShellCompletion kmi-tui.bash kmi-tui.fish --zsh --name _kmi-tui kmi-tui.zsh
          '';
          meta = {
            inherit (manifest) description;
            license = with pkgs.lib.licenses; [ mit asl20 ];
            mainProgram = "kmi-tui";
          };
        };
      });
    };
}
