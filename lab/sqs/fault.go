package sqs

import "fmt"

// code is an error of the service, by the name of its shape in the JSON protocol.
type code string

// The errors that a caller may branch on, by the names of the service's own model.
const (
	queueDoesNotExist    code = "QueueDoesNotExist"
	queueNameExists      code = "QueueNameExists"
	receiptInvalid       code = "ReceiptHandleIsInvalid"
	notInFlight          code = "MessageNotInflight"
	invalidAttribute     code = "InvalidAttributeName"
	invalidValue         code = "InvalidAttributeValue"
	invalidContents      code = "InvalidMessageContents"
	emptyBatch           code = "EmptyBatchRequest"
	tooManyEntries       code = "TooManyEntriesInBatchRequest"
	idsNotDistinct       code = "BatchEntryIdsNotDistinct"
	invalidEntryID       code = "InvalidBatchEntryId"
	batchTooLong         code = "BatchRequestTooLong"
	overLimit            code = "OverLimit"
	unsupportedOperation code = "UnsupportedOperation"
	invalidParameter     code = "InvalidParameterValue"
	missingParameter     code = "MissingParameter"
	// What every AWS service says.
	unknownOperation code = "UnknownOperationException"
	serialization    code = "SerializationException"
	internalError    code = "InternalFailure"
)

// shape is the error's full name in the JSON protocol.
func (c code) shape() string {
	switch c {
	case unknownOperation, serialization, internalError:
		return "com.amazon.coral.service#" + string(c)
	default:
		return "com.amazonaws.sqs#" + string(c)
	}
}

// query is the error's code in the older query protocol, which SDKs and people still go by.
func (c code) query() string {
	switch c {
	case queueDoesNotExist:
		return "AWS.SimpleQueueService.NonExistentQueue"
	case queueNameExists:
		return "QueueAlreadyExists"
	case unknownOperation:
		return "InvalidAction"
	case serialization:
		return "MalformedInput"
	case notInFlight, emptyBatch, tooManyEntries, idsNotDistinct, invalidEntryID, batchTooLong, unsupportedOperation:
		return "AWS.SimpleQueueService." + string(c)
	default:
		return string(c)
	}
}

// fault is an error that the caller is told.
type fault struct {
	code    code
	message string
}

func (f *fault) Error() string { return f.code.query() + ": " + f.message }

func faultf(c code, format string, args ...any) *fault {
	return &fault{code: c, message: fmt.Sprintf(format, args...)}
}
