#include "core/secret_names.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <string>

namespace peapod {

namespace {

/// What no harmless name has in it.
constexpr std::string_view unmistakable[] = {
    "token",  "signature", "password",   "passwd", "passphrase", "passcode",
    "secret", "session",   "credential", "sessid", "apikey",     "accesskey",
    "keyid",  "keypair",   "accessid",   "hmac",   "jwt",        "bearer",
    "oauth",  "saml",      "csrf",       "xsrf",   "cookie",
};

/// What is a secret as a word of its own.
constexpr std::string_view secret_words[] = {
    "sign", "signed", "pass",  "pwd",    "pw",         "pin",    "otp",
    "totp", "sid",    "sess",  "ticket", "verify",     "cred",   "creds",
    "tok",  "tk",     "tkn",   "nonce",  "invitation", "invite", "hdnea",
    "ak",   "sk",     "hdnts", "hdntl",  "gda",        "keys",
};

/// What is a secret as a whole name only.
constexpr std::string_view secret_names[] = {
    "code",      "policy",       "hm", // CloudFront, Discord
    "authcode",  "accesscode",   "invitecode",
    "sharecode", "downloadcode", "verificationcode",
};

/// Words that end in `key` and open nothing.
constexpr std::string_view other_keys[] = {
    "monkey", "turkey", "donkey", "hockey", "jockey", "whiskey", "hotkey",
};

constexpr std::string_view expiry_names[] = {"exp", "validuntil", "goodtill"};

bool is_small(char x) {
  return x >= 'a' && x <= 'z';
}

bool is_capital(char x) {
  return x >= 'A' && x <= 'Z';
}

bool is_letter(char x) {
  return is_small(x) || is_capital(x);
}

bool is_digit(char x) {
  return x >= '0' && x <= '9';
}

bool is_hex(char x) {
  return is_digit(x) || (x >= 'a' && x <= 'f') || (x >= 'A' && x <= 'F');
}

char small(char x) {
  return is_capital(x) ? static_cast<char>(x - 'A' + 'a') : x;
}

bool contains(const auto& list, std::string_view x) {
  return std::ranges::find(list, x) != std::end(list);
}

/// The letters of a name, in lower case.
std::string letters_of(std::string_view name) {
  std::string out;
  for (auto x : name)
    if (is_letter(x))
      out += small(x);
  return out;
}

/// A word begins after what is no letter, at a capital after a small letter,
/// and at the last of several capitals that a small letter follows.
bool begins_word(std::string_view name, size_t at) {
  if (at == 0 || !is_letter(name[at - 1]))
    return true;
  if (!is_capital(name[at]))
    return false;
  return is_small(name[at - 1])
         || (at + 1 < name.size() && is_small(name[at + 1]));
}

bool any_word(std::string_view name,
              const std::function<bool(std::string_view)>& is) {
  std::string word;
  for (size_t at = 0; at < name.size(); ++at) {
    if (!is_letter(name[at]))
      continue;
    if (begins_word(name, at)) {
      if (is(word))
        return true;
      word.clear();
    }
    word += small(name[at]);
  }
  return is(word);
}

/// `auth`, `authkey`, `authorization`, but neither `author` nor `authority`.
bool is_about_authentication(std::string_view word) {
  if (word.ends_with("auth"))
    return true;
  return word.starts_with("auth")
         && (!word.starts_with("author") || word.starts_with("authoriz")
             || word.starts_with("authoris"));
}

bool is_secret_word(std::string_view word) {
  return contains(secret_words, word) || word.ends_with("sig")
         || (word.ends_with("key") && !contains(other_keys, word))
         || is_about_authentication(word);
}

} // namespace

bool names_secret(std::string_view name) {
  auto letters = letters_of(name);
  auto is_part = [&](auto x) { return letters.find(x) != std::string::npos; };
  return std::ranges::any_of(unmistakable, is_part)
         || contains(secret_names, letters) || any_word(name, is_secret_word);
}

bool names_expiry(std::string_view name) {
  auto letters = letters_of(name);
  return letters.find("expir") != std::string::npos
         || contains(expiry_names, letters);
}

bool looks_random(std::string_view text) {
  ptrdiff_t hex = 0, hex_letters = 0;
  ptrdiff_t smalls = 0, capitals = 0, digits = 0;
  for (auto x : text) {
    if (is_hex(x)) {
      ++hex;
      hex_letters += is_letter(x);
    } else if (x != '-') {
      hex = hex_letters = 0;
    }
    if (is_letter(x) || is_digit(x)) {
      smalls += is_small(x);
      capitals += is_capital(x);
      digits += is_digit(x);
    } else {
      smalls = capitals = digits = 0;
    }
    if (hex >= 32 && hex_letters > 0)
      return true;
    if (smalls + capitals + digits >= 20
        && std::min({smalls, capitals, digits}) >= 3)
      return true;
  }
  return false;
}

} // namespace peapod
