package sqs

import (
	"fmt"
	"slices"
)

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
	accessDenied     code = "AccessDeniedException"
	unknownOperation code = "UnknownOperationException"
	serialization    code = "SerializationException"
	internalError    code = "InternalFailure"
)

// shape is the error's full name in the JSON protocol.
func (c code) shape() string {
	if slices.Contains([]code{accessDenied, unknownOperation, serialization, internalError}, c) {
		return "com.amazon.coral.service#" + string(c)
	}
	return "com.amazonaws.sqs#" + string(c)
}

// query is the error's code in the older query protocol, which SDKs and people still go by.
func (c code) query() string {
	const older = "AWS.SimpleQueueService."
	if slices.Contains([]code{notInFlight, emptyBatch, tooManyEntries, idsNotDistinct, invalidEntryID, batchTooLong, unsupportedOperation}, c) {
		return older + string(c)
	}
	other := map[code]string{
		queueDoesNotExist: older + "NonExistentQueue",
		queueNameExists:   "QueueAlreadyExists",
		accessDenied:      "AccessDenied",
		unknownOperation:  "InvalidAction",
		serialization:     "MalformedInput",
	}
	if name, ok := other[c]; ok {
		return name
	}
	return string(c)
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
