#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "search/crc32c.h"
#include "search/gallery_index.h"

// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is the sanitizer's.
extern "C" void __sanitizer_set_death_callback(void (*)());

namespace {

using Bytes = std::vector<std::uint8_t>;
using Random = std::mt19937_64;
using visage::search::GalleryIndex;
using visage::search::kSnapshotSections;
using visage::search::SearchSpace;

constexpr std::size_t kDimension = 96;
constexpr std::int64_t kRows = 700;
constexpr std::int64_t kFewRows = 200;
constexpr std::int64_t kMore = 300;
constexpr unsigned kSecondsOfOneInput = 60;
constexpr const char* kInput = "snapshot_fuzz.input";
constexpr const char* kAgain = "snapshot_fuzz.again";

constexpr std::size_t kTable = 32;
constexpr std::size_t kHead = kTable + kSnapshotSections * 16 + visage::search::kMostStampBytes + 24;

void SayInput() { std::fprintf(stderr, "The input is kept in %s.\n", kInput); }

[[noreturn]] void Fail(const char* why) {
  std::fprintf(stderr, "FAILED: %s\n", why);
  SayInput();
  std::_Exit(1);
}

std::size_t Below(Random& random, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

template <typename Number>
Number NumberAt(const Bytes& bytes, std::size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}

template <typename Number>
void PutNumber(Bytes& bytes, std::size_t at, Number number) {
  std::memcpy(bytes.data() + at, &number, sizeof(number));
}

struct Extent {
  std::size_t from = 0;
  std::size_t bytes = 0;
};

Extent SectionOf(const Bytes& bytes, std::size_t index) {
  std::size_t from = kHead;
  for (std::size_t i = 0;; ++i) {
    if (bytes.size() < from) return {};
    const auto size = NumberAt<std::uint64_t>(bytes, kTable + 16 * i);
    const auto held = static_cast<std::size_t>(std::min<std::uint64_t>(size, bytes.size() - from));
    if (i == index) return {from, held};
    from += held;
  }
}

void Mend(Bytes& bytes) {
  if (bytes.size() < kHead) return;
  const auto crc_of = [&](Extent of) {
    return visage::search::Crc32c(0, std::as_bytes(std::span(bytes).subspan(of.from, of.bytes)));
  };
  for (std::size_t i = 0; i < kSnapshotSections; ++i) {
    PutNumber(bytes, kTable + 16 * i + 8, crc_of(SectionOf(bytes, i)));
  }
  PutNumber(bytes, kHead - 4, crc_of({0, kHead - 4}));
}

/// Overwrites 32 bits by a likely number or one at the edge of a range.
void Overwrite(Bytes& bytes, Extent where, Random& random) {
  static constexpr std::uint32_t kEdges[] = {0,          1,          2,          7,          8,
                                             0xFFFF,     0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE,
                                             0x7F7FFFFF, 0x7F800000, 0x7FC00000};
  if (where.bytes < 4) return;
  const std::size_t at = where.from + 4 * Below(random, where.bytes / 4);
  const std::uint32_t numbers[] = {
      kEdges[Below(random, std::size(kEdges))],
      static_cast<std::uint32_t>(Below(random, kRows + 2)),
  };
  PutNumber(bytes, at, numbers[Below(random, std::size(numbers))]);
}

void Erase(Bytes& bytes, Extent part) {
  const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(part.from);
  bytes.erase(first, first + static_cast<std::ptrdiff_t>(part.bytes));
}

void Mutate(Bytes& bytes, const Bytes& other, Random& random) {
  if (bytes.size() < kHead + 64) return;
  const std::size_t index = Below(random, kSnapshotSections);
  const Extent section = SectionOf(bytes, index);
  const std::size_t record = kTable + 16 * index;
  switch (Below(random, 8)) {
    case 0:
      bytes[Below(random, bytes.size())] ^= static_cast<std::uint8_t>(1U << Below(random, 8));
      break;
    case 1:
      bytes.resize(Below(random, bytes.size()));
      break;
    case 2:
      Overwrite(bytes, {8, kTable + kSnapshotSections * 16 - 8}, random);
      break;
    case 3: {
      const Extent theirs = SectionOf(other, index);
      const auto first = other.begin() + static_cast<std::ptrdiff_t>(theirs.from);
      Erase(bytes, section);
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(section.from), first,
                   first + static_cast<std::ptrdiff_t>(theirs.bytes));
      PutNumber<std::uint64_t>(bytes, record, theirs.bytes);
      break;
    }
    case 4: {
      if (section.bytes == 0) break;
      const std::size_t at = Below(random, section.bytes);
      const std::size_t count = 1 + Below(random, section.bytes - at);
      Erase(bytes, {section.from + at, count});
      PutNumber<std::uint64_t>(bytes, record, section.bytes - count);
      break;
    }
    case 5: {
      const std::size_t from = Below(random, bytes.size());
      const std::size_t to = Below(random, bytes.size());
      const std::size_t count = Below(random, std::min<std::size_t>(bytes.size() - std::max(from, to), 512));
      std::memmove(bytes.data() + to, bytes.data() + from, count);
      break;
    }
    default:
      for (std::size_t i = 1 + Below(random, 20); i > 0; --i) Overwrite(bytes, section, random);
  }
}

std::vector<float> Vectors(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> vectors(static_cast<std::size_t>(count) * kDimension);
  std::ranges::generate(vectors, [&] { return normal(random); });
  return vectors;
}

std::vector<std::int64_t> Labels(std::int64_t from, std::int64_t count) {
  std::vector<std::int64_t> labels(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) labels[static_cast<std::size_t>(i)] = from + i;
  return labels;
}

std::shared_ptr<const SearchSpace> Space() {
  constexpr std::size_t kPart = 2;
  struct {
    std::array<char, 8> magic = {'V', 'I', 'S', 'A', 'G', 'E', 'S', 'S'};
    std::uint32_t format = 1;
    std::uint32_t dimension = kDimension;
    std::uint32_t rank = kDimension;
    std::uint32_t subquantizers = kDimension / kPart;
    std::array<float, kDimension * kDimension> basis{};
    std::array<float, kDimension * SearchSpace::kCentroids> centroids{};
  } file;
  for (std::size_t i = 0; i < kDimension; ++i) file.basis[i * kDimension + i] = 1;
  for (std::size_t i = 0; i < file.centroids.size(); ++i) {
    const std::size_t code = i / kPart % SearchSpace::kCentroids;
    file.centroids[i] = static_cast<float>(i % kPart == 0 ? code % 4 : code / 4) - 1.5F;
  }
  return SearchSpace::Parse(std::as_bytes(std::span(&file, 1)));
}

/// Step runs the background work on this thread, so a seed gives one index.
std::shared_ptr<GalleryIndex> NewIndex() {
  static const std::shared_ptr<const SearchSpace> space = Space();
  const auto background = std::make_shared<visage::search::Background>(1);
  background->Stop();
  return std::make_shared<GalleryIndex>(space, background);
}

void DoBackground(GalleryIndex& index) {
  while (index.Step([] { return true; })) {
  }
}

Bytes Load(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

visage::search::Codes Read(const char* path) {
  static const std::shared_ptr<const SearchSpace> space = Space();
  visage::base::Alone team;
  std::atomic<std::uint64_t> done = 0;
  visage::search::Codes empty(space->rank(), space->subquantizers());
  return visage::search::ReadSnapshot(path, *space, std::move(empty), {}, team, done);
}

void Save(const GalleryIndex& index, const char* path) {
  const std::atomic<bool> cancelled = false;
  visage::search::WriteSnapshot(index.Contents(), path, "{\"stamp\":1}", cancelled);
}

Bytes Snapshot(std::int64_t first, std::int64_t rows, std::int64_t removed) {
  const auto index = NewIndex();
  const std::vector<float> vectors = Vectors(rows, static_cast<std::uint64_t>(first));
  index->Add(Labels(first, rows), std::as_bytes(std::span(vectors)));
  DoBackground(*index);
  index->Remove(Labels(first + 10, removed));
  Save(*index, kInput);
  return Load(kInput);
}

void CheckSearches(const GalleryIndex& index, Random& random) {
  const std::vector<std::int64_t> labels = index.Labels();
  const std::set<std::int64_t> held(labels.begin(), labels.end());
  if (labels.size() != index.size() || held.size() != labels.size()) Fail("it does not hold its labels");
  const auto check = [&](const GalleryIndex::Matches& matches, std::size_t expected) {
    if (matches.labels.size() != expected || matches.scores.size() != expected) Fail("not as many are found");
    const std::set<std::int64_t> found(matches.labels.begin(), matches.labels.end());
    if (found.size() != expected || !std::ranges::includes(held, found))
      Fail("others are found than it holds");
    if (!std::ranges::is_sorted(matches.scores, std::ranges::greater{})) Fail("the best is not first");
    if (std::ranges::any_of(matches.scores, [](float score) { return std::isnan(score); })) Fail("no number");
  };
  const std::vector<float> probes = Vectors(3, random());
  visage::base::Alone alone;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto probe = std::as_bytes(std::span(probes).subspan(i * kDimension, kDimension));
    for (const std::size_t k : {1, 16, 100}) {
      check(index.Search(probe, k, alone), std::min(k, held.size()));
      const auto allowed = std::span(labels).first(labels.size() / 2);
      check(index.Search(probe, k, allowed, alone), std::min(k, allowed.size()));
    }
  }
}

/// A loaded index must work like any other.
void UseIndex(const std::shared_ptr<GalleryIndex>& index, Random& random) {
  CheckSearches(*index, random);
  if (random() % 4 != 0) return;
  const std::vector<float> vectors = Vectors(kMore, random());
  index->Add(Labels(1'000'000, kMore), std::as_bytes(std::span(vectors)));
  DoBackground(*index);
  CheckSearches(*index, random);
  const std::vector<std::int64_t> labels = index->Labels();
  index->Remove(std::span(labels).first(labels.size() / 2));
  DoBackground(*index);
  CheckSearches(*index, random);
  Save(*index, kAgain);
  const auto again = NewIndex();
  again->Adopt(Read(kAgain));
  if (again->size() != index->size()) Fail("it does not come back from a snapshot of its own");
  CheckSearches(*again, random);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "Usage: snapshot_fuzz <iterations> <seed>\n");
    return 2;
  }
  __sanitizer_set_death_callback(SayInput);
  const auto iterations = std::strtoull(argv[1], nullptr, 10);
  const auto seed = std::strtoull(argv[2], nullptr, 10);
  const std::vector<Bytes> corpus = {
      Snapshot(1, kRows, 0),
      Snapshot(5000, kRows, 60),
      Snapshot(9000, kFewRows, 0),
  };

  unsigned long long loaded = 0;
  double slowest = 0;
  for (unsigned long long i = 0; i < iterations; ++i) {
    Random random(seed + i);
    Bytes input = corpus[Below(random, corpus.size())];
    const std::size_t mutations = 1 + Below(random, 3);
    for (std::size_t m = 0; m < mutations; ++m) Mutate(input, corpus[Below(random, corpus.size())], random);
    if (random() % 8 != 0) Mend(input);
    std::ofstream(kInput, std::ios::binary)
        .write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));

    alarm(kSecondsOfOneInput);
    const auto start = std::chrono::steady_clock::now();
    const auto index = NewIndex();
    try {
      index->Adopt(Read(kInput));
      ++loaded;
      UseIndex(index, random);
    } catch (const visage::search::SnapshotError&) {
      if (index->size() > 0) Fail("it holds something of what was refused");
    }
    slowest =
        std::max(slowest, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::filesystem::remove(kInput);
  std::filesystem::remove(kAgain);
  std::printf("%llu inputs, %llu of them loaded, slowest %.1f s\n", iterations, loaded, slowest);
}
