using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace FlowService.Security;

/// <summary>
/// A key as it is kept: <c>sha256:SALT:HASH</c>, the two in base64url. A key has 256 random bits, so that one round of SHA-256 is enough: nobody
/// guesses it, and a request pays less than a microsecond.
/// </summary>
internal sealed class KeyHash
{
    private const string Algorithm = "sha256";
    private const int SaltBytes = 16, KeyBytes = 32;

    // What keys begin with, so that scanners of repositories and logs find them.
    private const string Prefix = "flow_";

    private readonly byte[] salt, hash;

    private KeyHash(byte[] salt, byte[] hash) => (this.salt, this.hash) = (salt, hash);

    /// <summary>A new random key.</summary>
    public static string NewKey() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(KeyBytes));

    /// <summary>The hash of a key under a new salt.</summary>
    public static KeyHash Of(string key)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return new(salt, Hashed(salt, key));
    }

    /// <summary>Null where the text is not a hash of this form.</summary>
    public static KeyHash? TryParse(string? text)
    {
        string[] parts = text?.Split(':') ?? [];
        if (parts.Length != 3 || parts[0] != Algorithm || !Base64Url.IsValid(parts[1]) || !Base64Url.IsValid(parts[2]))
            return null;
        byte[] salt = Base64Url.DecodeFromChars(parts[1]), hash = Base64Url.DecodeFromChars(parts[2]);
        return salt.Length >= SaltBytes && hash.Length == SHA256.HashSizeInBytes ? new(salt, hash) : null;
    }

    /// <summary>Whether it is the hash of this key; the time does not tell how nearly.</summary>
    public bool Matches(string key) => CryptographicOperations.FixedTimeEquals(Hashed(salt, key), hash);

    public override string ToString() => $"{Algorithm}:{Base64Url.EncodeToString(salt)}:{Base64Url.EncodeToString(hash)}";

    private static byte[] Hashed(byte[] salt, string key)
    {
        byte[] text = new byte[salt.Length + Encoding.UTF8.GetByteCount(key)];
        salt.CopyTo(text, 0);
        Encoding.UTF8.GetBytes(key, text.AsSpan(salt.Length));
        return SHA256.HashData(text);
    }
}
