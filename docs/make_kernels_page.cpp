#include "cli/kernel_text.hpp"
#include "pipeline/files/whole_file.hpp"
#include "pipeline/program.hpp"

#include <pixmill/plan.hpp>

#include <fmt/format.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <ios>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Writes docs/kernels.md, and a picture of each example of each kernel, from the descriptors.
namespace {

using namespace pixmill;

constexpr std::string_view kIntroduction =
    R"(<!-- Made by docs/make_kernels_page from the descriptors of the kernels. Change those, not this. -->

# Kernels and reductions

What `--ops` and `--reduce` may name. `pixmill kernels NAME` says the same on a terminal.

A chain is a list of kernels separated by commas. The first argument of a kernel may stand bare, each other is
`KEY=VALUE`, separated by colons: `gray,adaptive=sauvola:window=25`. A level is a number of the image's own, 0–255 at
8 bits and 0–65535 at 16, or a share of full scale such as `50%`. A kernel that needs one channel gets `gray` put before
it. Pictures show the chain below them on a sample image, made small first.
)";

struct Sample {
  std::string_view path;
  std::string_view chain;  // that makes it small
};
constexpr Sample kPhoto{"sample_images/street.jpg", "resize=260x"};
constexpr Sample kDocument{"sample_images/old_letter.jpg", "crop=330x260+60+60"};

const Sample& sample_for(const KernelDescriptor& kernel) {
  return kernel.channels == ChannelNeed::one ? kDocument : kPhoto;
}

bool has_two_levels(const cv::Mat& frame) {
  if (frame.type() != CV_8UC1) return false;
  for (int y = 0; y < frame.rows; ++y) {
    const auto* row = frame.ptr<std::uint8_t>(y);
    for (int x = 0; x < frame.cols; ++x) {
      if (row[x] != 0 && row[x] != 255) return false;
    }
  }
  return true;
}

struct Picture {
  std::string extension;
  std::vector<std::byte> bytes;
};

/// What `chain` makes of the sample: PNG where that is small, else JPEG.
Picture picture_of(const Sample& sample, std::string_view chain, const std::filesystem::path& root) {
  pipeline::FileBuffer file;
  const auto read = pipeline::read_whole_file((root / sample.path).string(), 1U << 28U, file);
  if (!read.usable()) throw std::runtime_error(read.detail);
  const std::string whole = std::string(sample.chain) + (chain.empty() ? "" : ",") + std::string(chain);
  const pipeline::Program program(Plan::parse(whole), {});
  pipeline::WorkerMemory memory;
  const auto result = program.run(file.bytes(), {.encoded = false, .partial = false, .frame = true}, memory);
  if (!is_well(result.verdict)) throw std::runtime_error(whole + ": " + result.detail);
  const bool two_level = has_two_levels(result.frame);
  const pipeline::Codec* codec = pipeline::find_codec(two_level ? "png" : "jpg");
  pipeline::EncodeSource source;
  source.frame = &result.frame;
  source.two_level = two_level;
  Picture picture{std::string(codec->extension), {}};
  const auto written = codec->make_encoder()->encode(source, {.quality = 85, .compression = 9}, picture.bytes);
  if (!written.usable()) throw std::runtime_error(whole + ": " + written.detail);
  return picture;
}

/// The page, and the pictures it needs, by their names below docs/.
class Page {
 public:
  explicit Page(std::filesystem::path root) : root_(std::move(root)) {
    text_ = kIntroduction;
    contents();
    for (const KernelDescriptor* kernel : kernel_descriptors()) section(*kernel);
    reductions();
  }

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::vector<std::pair<std::string, std::vector<std::byte>>>& pictures() const {
    return pictures_;
  }

 private:
  void contents() {
    text_ += "\nKernels: ";
    std::string links;
    for (const KernelDescriptor* kernel : kernel_descriptors()) {
      links += fmt::format("{}[{}](#{})", links.empty() ? "" : " · ", kernel->name, kernel->name);
    }
    text_ += links + "\n\n[Reductions](#reductions)\n";
  }

  void section(const KernelDescriptor& kernel) {
    text_ += fmt::format("\n## {}\n\n{}.\n\n    {}\n\n", kernel.name, kernel.summary, cli::kernel_syntax(kernel));
    parameters(kernel);
    text_ += fmt::format("{}\n\nChannels: {}. Depth: {}. Alpha: {}.\n\nAfter: {}.\n\n", kernel.notes,
                         cli::channels_text(kernel), cli::depth_text(kernel),
                         kernel.keeps_alpha ? "kept" : "dropped before it", kernel.source);
    examples(kernel);
  }

  void parameters(const KernelDescriptor& kernel) {
    if (kernel.params.empty()) return;
    text_ += "| key | takes | default | meaning |\n|---|---|---|---|\n";
    for (const ParamDescriptor& param : kernel.params) {
      const std::string fallback = param.required               ? std::string("required")
                                   : param.default_text.empty() ? std::string()
                                                                : fmt::format("`{}`", param.default_text);
      text_ +=
          fmt::format("| `{}` | {} | {} | {} |\n", param.name, cli::accepted_values(param), fallback, param.summary);
    }
    text_ += "\n";
    for (const ParamDescriptor& param : kernel.params) {
      for (const Choice& choice : param.choices) {
        text_ += fmt::format("- `{}={}`: {}\n", param.name, choice.name, choice.summary);
      }
      if (!param.choices.empty()) text_ += "\n";
    }
  }

  void examples(const KernelDescriptor& kernel) {
    const Sample& sample = sample_for(kernel);
    std::string header = "| the sample |";
    std::string rule = "|---|";
    std::string row = fmt::format("| {} |", picture(sample, "", "sample"));
    int columns = 1;
    int number = 0;
    const auto end_row = [&] {
      text_ += fmt::format("{}\n{}\n{}\n\n", header, rule, row);
      header = rule = row = "|";
      columns = 0;
    };
    for (const std::string_view example : kernel.examples) {
      if (columns == kColumns) end_row();
      header += fmt::format(" `{}` |", example);
      rule += "---|";
      row += fmt::format(" {} |", picture(sample, example, fmt::format("{}-{}", kernel.name, ++number)));
      ++columns;
    }
    if (columns > 0) end_row();
  }

  std::string picture(const Sample& sample, std::string_view chain, const std::string& name) {
    Picture made = picture_of(sample, chain, root_);
    const bool document = &sample == &kDocument;
    const std::string path = fmt::format(
        "kernels/{}.{}", chain.empty() ? (document ? "sample-letter" : "sample-street") : name, made.extension);
    const bool known = std::any_of(pictures_.begin(), pictures_.end(), [&](const auto& p) { return p.first == path; });
    if (!known) pictures_.emplace_back(path, std::move(made.bytes));
    return fmt::format("![{}]({})", chain.empty() ? std::string("the sample") : std::string(chain), path);
  }

  void reductions() {
    text_ += "\n## Reductions\n\nOver every pixel of the batch after `--ops`; see [statistics](command-line.md).\n\n";
    text_ += "| `--reduce` | what | notes |\n|---|---|---|\n";
    for (const ReductionDescriptor* reduction : reduction_descriptors()) {
      text_ += fmt::format("| `{}{}` | {} | {} |\n", reduction->name, reduction->makes_image ? "=FILE" : "",
                           reduction->summary, reduction->notes);
    }
  }

  static constexpr int kColumns = 3;
  std::filesystem::path root_;
  std::string text_;
  std::vector<std::pair<std::string, std::vector<std::byte>>> pictures_;
};

void write(const std::filesystem::path& path, const char* bytes, std::size_t size) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file;
  file.exceptions(std::ios::failbit | std::ios::badbit);
  file.open(path, std::ios::binary);
  file.write(bytes, static_cast<std::streamsize>(size));
}

void write_all(const Page& page, const std::filesystem::path& docs) {
  std::filesystem::remove_all(docs / "kernels");
  write(docs / "kernels.md", page.text().data(), page.text().size());
  for (const auto& [name, bytes] : page.pictures()) {
    write(docs / name, reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
}

/// Pictures are only looked for: another version of a codec library may pack the same pixels into other bytes.
int check_all(const Page& page, const std::filesystem::path& docs) {
  std::ifstream file(docs / "kernels.md", std::ios::binary);
  std::ostringstream committed;
  committed << file.rdbuf();
  int wrong = committed.str() == page.text() ? 0 : 1;
  if (wrong != 0) std::fputs("docs/kernels.md is not what the descriptors say\n", stderr);
  for (const auto& [name, bytes] : page.pictures()) {
    if (std::filesystem::is_regular_file(docs / name)) continue;
    std::fprintf(stderr, "docs/%s is missing\n", name.c_str());
    wrong = 1;
  }
  if (wrong != 0) std::fputs("to make them: build/release/make_kernels_page .\n", stderr);
  return wrong;
}

}  // namespace

int main(int argc, char** argv) {
  const bool check = argc == 3 && std::string_view(argv[1]) == "--check";
  if (argc != 2 && !check) {
    std::fputs("usage: make_kernels_page [--check] ROOT   (of the checkout; writes docs/kernels.md and pictures)\n",
               stderr);
    return 2;
  }
  try {
    const std::filesystem::path root = argv[argc - 1];
    const Page page(root);
    if (check) return check_all(page, root / "docs");
    write_all(page, root / "docs");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_kernels_page: %s\n", error.what());
    return 1;
  }
  return 0;
}
