namespace Microsoft.ML.Data;

/// <summary>Names of the annotations that have a meaning throughout ML.NET.</summary>
internal static class AnnotationUtils
{
    public static class Kinds
    {
        public const string SlotNames = "SlotNames";
        public const string KeyValues = "KeyValues";
    }
}
