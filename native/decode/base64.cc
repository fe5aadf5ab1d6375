#include "decode/base64.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace visage::decode {
namespace {

constexpr std::uint32_t kInvalid = 0xFF00'0000;
constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlSafe = "-_";

using Table = std::array<std::uint32_t, 256>;

/// Or-ing four entries gives a group; one comparison detects an invalid character.
constexpr Table MakeTable(int place) {
  Table table;
  table.fill(kInvalid);
  const int shift = 18 - 6 * place;
  for (std::uint32_t value = 0; value < 64; ++value) {
    table[static_cast<unsigned char>(kStandard[value])] = value << shift;
  }
  for (std::uint32_t i = 0; i < 2; ++i) table[static_cast<unsigned char>(kUrlSafe[i])] = (62 + i) << shift;
  return table;
}

constexpr std::array<Table, 4> kPlaces = {MakeTable(0), MakeTable(1), MakeTable(2), MakeTable(3)};

constexpr bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return Lower(x) == Lower(y); });
}

[[noreturn]] void Refuse(const char* why) { throw base::Error(base::ErrorCode::kInvalidImage, why); }

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

bool RemoveDataPrefix(std::string_view& text) {
  constexpr std::string_view kScheme = "data:";
  std::string_view url = text.substr(std::min(text.size(), text.find_first_not_of(" \t\n\v\f\r")));
  if (!EqualsIgnoringCase(url.substr(0, kScheme.size()), kScheme)) return false;
  const std::size_t comma = url.find(',');
  if (comma == std::string_view::npos) Refuse("The image's data URL has no comma.");
  for (std::string_view head = url.substr(kScheme.size(), comma - kScheme.size());;) {
    const std::size_t parameter = head.rfind(';');
    if (parameter == std::string_view::npos) Refuse("The image's data URL is not base64.");
    if (EqualsIgnoringCase(Trimmed(head.substr(parameter + 1)), "base64")) break;
    head = head.substr(0, parameter);
  }
  text = url.substr(comma + 1);
  return true;
}

int HexDigit(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = Lower(static_cast<char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int HexNumber(const unsigned char* digits, int count) {
  int number = 0;
  for (int i = 0; i < count; ++i) {
    const int digit = HexDigit(digits[i]);
    if (digit < 0) return -1;
    number = number * 16 + digit;
  }
  return number;
}

/// @returns zero, which is in no alphabet, for an invalid JSON escape.
unsigned char Unescaped(const unsigned char*& in, const unsigned char* end) {
  if (in == end) return 0;
  const unsigned char kind = *in++;
  if (kind == '/') return kind;
  if (kind == 'n' || kind == 'r' || kind == 't' || kind == 'f') return ' ';
  if (kind != 'u' || end - in < 4) return 0;
  const int code = HexNumber(in, 4);
  in += 4;
  return code >= 0 && code < 0x80 ? static_cast<unsigned char>(code) : 0;
}

unsigned char PercentDecoded(const unsigned char*& in, const unsigned char* end) {
  if (end - in < 2) return 0;
  const int code = HexNumber(in, 2);
  in += 2;
  return code >= 0 ? static_cast<unsigned char>(code) : 0;
}

struct Group {
  std::uint32_t bits = 0;
  int count = 0;
};

}  // namespace

std::size_t DecodeBase64(std::string_view text, std::span<std::uint8_t> out) {
  const bool is_url = RemoveDataPrefix(text);
  const auto* in = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = in + text.size();
  std::uint8_t* to = out.data();
  Group group;
  int padding = 0;

  const auto write = [&to](std::uint32_t bits) {
    to[0] = static_cast<std::uint8_t>(bits >> 16);
    to[1] = static_cast<std::uint8_t>(bits >> 8);
    to[2] = static_cast<std::uint8_t>(bits);
    to += 3;
  };

  while (in != end) {
    if (group.count == 0 && padding == 0) {
      while (end - in >= 4) {
        const std::uint32_t bits =
            kPlaces[0][in[0]] | kPlaces[1][in[1]] | kPlaces[2][in[2]] | kPlaces[3][in[3]];
        if (bits >= kInvalid) break;
        write(bits);
        in += 4;
      }
      if (in == end) break;
    }
    unsigned char c = *in++;
    if (c == '\\') c = Unescaped(in, end);
    if (c == '%' && is_url) c = PercentDecoded(in, end);
    if (IsSpace(static_cast<char>(c))) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const std::uint32_t bits = kPlaces[group.count][c];
    if (bits == kInvalid)
      Refuse("The image is not valid base64: it holds a character of no base64 alphabet.");
    if (padding != 0) Refuse("The image is not valid base64: padding is only allowed at its end.");
    group.bits |= bits;
    if (++group.count == 4) {
      write(group.bits);
      group = {};
    }
  }

  if (group.count == 1) Refuse("The image is not valid base64: its last group has a single character.");
  if (padding != 0 && (group.count == 0 || group.count + padding != 4)) {
    Refuse("The image is not valid base64: its padding is wrong.");
  }
  if (group.count >= 2) *to++ = static_cast<std::uint8_t>(group.bits >> 16);
  if (group.count == 3) *to++ = static_cast<std::uint8_t>(group.bits >> 8);
  return static_cast<std::size_t>(to - out.data());
}

}  // namespace visage::decode
