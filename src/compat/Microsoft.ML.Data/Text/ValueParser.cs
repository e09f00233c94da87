using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Data;

/// <summary>Reads a value from a field. False: the text is not one; the value is then what stands for missing, where the type has it.</summary>
internal delegate bool ValueParser<T>(ReadOnlyMemory<char> text, out T value);

internal static class ValueParsers
{
    /// <summary>The parser of a type, and whether the type has a value for missing (then an unreadable field is no error).</summary>
    public static (ValueParser<T> Parse, bool HasMissing) For<T>(PrimitiveDataViewType type, TextFormat format)
    {
        if (type is KeyDataViewType key) return (Generic.Call<ValueParser<T>>(typeof(ValueParsers), nameof(Key), null, typeof(T), key.Count), true);
        bool real = typeof(T) == typeof(float) || typeof(T) == typeof(double);
        Delegate parse = type.RawType switch
        {
            Type t when t == typeof(float) => Real<float>(format),
            Type t when t == typeof(double) => Real<double>(format),
            Type t when t == typeof(bool) => (ValueParser<bool>)Boolean,
            Type t when t == typeof(ReadOnlyMemory<char>) => (ValueParser<ReadOnlyMemory<char>>)Text,
            Type t when t == typeof(TimeSpan) => (ValueParser<TimeSpan>)TimeOfDay,
            Type t when t == typeof(DateTime) => (ValueParser<DateTime>)Date,
            Type t when t == typeof(DateTimeOffset) => (ValueParser<DateTimeOffset>)DateWithOffset,
            Type t => Generic.Call<Delegate>(typeof(ValueParsers), nameof(Integer), null, t),
        };
        return ((ValueParser<T>)parse, real);
    }

    private static Delegate Integer<T>() where T : IBinaryInteger<T> => (ValueParser<T>)((ReadOnlyMemory<char> text, out T value) =>
    {
        value = T.Zero;
        ReadOnlySpan<char> span = text.Span;
        if (span.IsEmpty) return true;
        bool signed = typeof(T) == typeof(sbyte) || typeof(T) == typeof(short) || typeof(T) == typeof(int) || typeof(T) == typeof(long);
        if (span[0] != '-' && !char.IsAsciiDigit(span[0])) return false;
        return (signed || span[0] != '-') && T.TryParse(span, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value!);
    });

    private static ValueParser<T> Real<T>(TextFormat format) where T : struct, IFloatingPointIeee754<T>
    {
        T empty = format.MissingRealsAsNaNs ? T.NaN : T.Zero;
        var numbers = new NumberFormatInfo { NumberDecimalSeparator = format.DecimalMarker.ToString(), NumberGroupSeparator = format.DecimalMarker == ',' ? "." : "," };
        return (ReadOnlyMemory<char> text, out T value) =>
        {
            ReadOnlySpan<char> span = text.Span.Trim();
            if (span.IsEmpty)
            {
                value = empty;
                return true;
            }
            // The published assembly reads a number behind white space only if it is a single digit; spaces are gone by now, unless there were quotes.
            bool behindSpace = span.Length > 1 && char.IsWhiteSpace(text.Span[0]);
            if (!behindSpace && T.TryParse(span, NumberStyles.Float, numbers, out value)) return true;
            value = span is "∞" ? T.PositiveInfinity : span is "-∞" ? T.NegativeInfinity : T.NaN;
            return !T.IsNaN(value) || IsMissing(span);
        };
    }

    private static bool IsMissing(ReadOnlySpan<char> text) =>
        text.SequenceEqual("?") || text.Equals("na", StringComparison.OrdinalIgnoreCase) || text.Equals("n/a", StringComparison.OrdinalIgnoreCase)
        || text.Equals("nan", StringComparison.OrdinalIgnoreCase);

    private static bool Text(ReadOnlyMemory<char> text, out ReadOnlyMemory<char> value)
    {
        value = text;
        return true;
    }

    private static bool Boolean(ReadOnlyMemory<char> text, out bool value)
    {
        string lower = text.Length > 5 ? "?" : text.ToString().ToLowerInvariant();
        value = lower is "t" or "y" or "1" or "+" or "+1" or "yes" or "true";
        return value || lower is "" or "f" or "n" or "0" or "-" or "-1" or "no" or "false";
    }

    private static bool TimeOfDay(ReadOnlyMemory<char> text, out TimeSpan value)
    {
        value = default;
        return text.IsEmpty || TimeSpan.TryParse(text.Span, CultureInfo.InvariantCulture, out value);
    }

    private static bool Date(ReadOnlyMemory<char> text, out DateTime value)
    {
        value = default;
        return text.IsEmpty || DateTime.TryParse(text.Span, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out value);
    }

    private static bool DateWithOffset(ReadOnlyMemory<char> text, out DateTimeOffset value)
    {
        value = default;
        return text.IsEmpty || DateTimeOffset.TryParse(text.Span, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out value);
    }

    /// <summary>0-based values below the count become 1..count; everything else is missing.</summary>
    private static ValueParser<T> Key<T>(ulong count) where T : unmanaged => (ReadOnlyMemory<char> text, out T value) =>
    {
        value = default;
        ReadOnlySpan<char> span = text.Span;
        if (span.IsEmpty || IsMissing(span)) return true;
        if (!ulong.TryParse(span, NumberStyles.None, CultureInfo.InvariantCulture, out ulong index) || index >= count) return false;
        value = TypedGetters.Narrow<T>(index + 1);
        return true;
    };
}
