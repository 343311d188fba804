# Homebrew formula, for a tap of your own: REPOSITORY is where the sources are published, SHA256 that of the archive.
class KmiTui < Formula
  desc "Terminal dashboard and local proxy for people who hold several Kimi API keys"
  homepage "REPOSITORY"
  version "0.1.0"
  url "REPOSITORY/archive/refs/tags/v#{version}.tar.gz"
  sha256 "SHA256"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args
    system bin/"kmi-tui", "--lang", "en", "man", "--dir", man1
    generate_completions_from_executable(bin/"kmi-tui", "completions")
  end

  service do
    run [opt_bin/"kmi-tui", "--no-ui"]
    keep_alive crashed: true
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/kmi-tui --version")
    assert_match "KMI_PROXY_LISTEN", shell_output("#{bin}/kmi-tui settings")
  end
end
