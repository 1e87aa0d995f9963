package sqs

import "fmt"

// code is an error of the service: its shape in the JSON protocol and its code in the older query protocol, which SDKs
// still go by.
type code struct{ shape, query string }

// fault is an error that the caller is told.
type fault struct {
	code    code
	message string
}

func (f *fault) Error() string { return f.code.query + ": " + f.message }

func faultf(c code, format string, args ...any) *fault {
	return &fault{code: c, message: fmt.Sprintf(format, args...)}
}

const (
	prefix = "com.amazonaws.sqs#"
	older  = "AWS.SimpleQueueService."
)

// The errors that a caller may branch on, by the names of the service's own model.
var (
	queueDoesNotExist    = code{prefix + "QueueDoesNotExist", older + "NonExistentQueue"}
	queueNameExists      = code{prefix + "QueueNameExists", "QueueAlreadyExists"}
	receiptInvalid       = code{prefix + "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"}
	notInFlight          = code{prefix + "MessageNotInflight", older + "MessageNotInflight"}
	invalidAttribute     = code{prefix + "InvalidAttributeName", "InvalidAttributeName"}
	invalidValue         = code{prefix + "InvalidAttributeValue", "InvalidAttributeValue"}
	invalidContents      = code{prefix + "InvalidMessageContents", "InvalidMessageContents"}
	emptyBatch           = code{prefix + "EmptyBatchRequest", older + "EmptyBatchRequest"}
	tooManyEntries       = code{prefix + "TooManyEntriesInBatchRequest", older + "TooManyEntriesInBatchRequest"}
	idsNotDistinct       = code{prefix + "BatchEntryIdsNotDistinct", older + "BatchEntryIdsNotDistinct"}
	invalidEntryID       = code{prefix + "InvalidBatchEntryId", older + "InvalidBatchEntryId"}
	batchTooLong         = code{prefix + "BatchRequestTooLong", older + "BatchRequestTooLong"}
	overLimit            = code{prefix + "OverLimit", "OverLimit"}
	unsupportedOperation = code{prefix + "UnsupportedOperation", older + "UnsupportedOperation"}
	invalidParameter     = code{prefix + "InvalidParameterValue", "InvalidParameterValue"}
	missingParameter     = code{prefix + "MissingParameter", "MissingParameter"}
	unknownOperation     = code{"com.amazon.coral.service#UnknownOperationException", "InvalidAction"}
	serialization        = code{"com.amazon.coral.service#SerializationException", "MalformedInput"}
	internalError        = code{"com.amazon.coral.service#InternalFailure", "InternalFailure"}
)
