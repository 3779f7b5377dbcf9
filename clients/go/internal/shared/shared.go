// Package shared asks once for what many need at the same time.
package shared

import (
	"context"
	"sync"
	"time"
)

const (
	// How long a question may take.
	patience = 10 * time.Second
	// How long after a question that failed nobody asks again.
	rest = 5 * time.Second
)

// Shared is something that is asked for. All who need it meanwhile wait for the same answer, and who comes soon after a failure
// does not wait.
type Shared[T any] struct {
	mutex    sync.Mutex
	value    *T
	question *question[T]
}

// question is one that is being asked, or the last one when it failed.
type question[T any] struct {
	done     chan struct{}
	isFailed bool
	failedAt time.Duration
	value    *T
	err      error
}

// Known is what the last good answer was, or nil.
func (s *Shared[T]) Known() *T {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.value
}

// After gives what follows a value that does not serve any more. A context that ends ends waiting, and not the question, which
// others may wait for.
func (s *Shared[T]) After(ctx context.Context, seen *T, now func() time.Duration, ask func(context.Context) (*T, error)) (*T, error) {
	s.mutex.Lock()
	if s.value != seen {
		defer s.mutex.Unlock()
		return s.value, nil
	}
	current := s.question
	// A clock that was set back must not make it longer.
	if current == nil || (current.isFailed && (now() < current.failedAt || now()-current.failedAt >= rest)) {
		current = &question[T]{done: make(chan struct{})}
		s.question = current
		go s.ask(context.WithoutCancel(ctx), current, now, ask)
	}
	s.mutex.Unlock()
	select {
	case <-current.done:
		return current.value, current.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Shared[T]) ask(ctx context.Context, current *question[T], now func() time.Duration, ask func(context.Context) (*T, error)) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	value, err := ask(ctx)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	current.value, current.err = value, err
	if current.isFailed, current.failedAt = err != nil, now(); err == nil {
		s.value, s.question = value, nil
	}
	close(current.done)
}
