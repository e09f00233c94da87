namespace Microsoft.ML.Data;

public sealed partial class TextLoader
{
    /// <summary>Fields of a text file, by their 0-based place.</summary>
    public sealed class Range
    {
        public int Min;

        /// <summary>The last field, inclusive; null: to the end (with <see cref="AutoEnd"/> or <see cref="VariableEnd"/>) or like Min.</summary>
        public int? Max;

        public bool AutoEnd;
        public bool VariableEnd;
        public bool AllOther;
        public bool ForceVector;

        public Range() { }

        public Range(int index)
        {
            Contracts.CheckParam(index >= 0, nameof(index), "A field's place is not negative.");
            Min = index;
            Max = index;
        }

        public Range(int min, int? max)
        {
            Contracts.CheckParam(min >= 0, nameof(min), "A field's place is not negative.");
            Contracts.CheckParam(max is null || max >= min, nameof(max), $"The last field {max} comes before the first one {min}.");
            Min = min;
            Max = max;
            AutoEnd = max is null;
        }
    }
}
