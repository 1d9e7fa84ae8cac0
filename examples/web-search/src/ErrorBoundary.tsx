import { Component, type ReactNode } from 'react'

interface Props {
  /** What could not be shown, as the start of a sentence. */
  what: string
  /** What is shown: with another value it is tried again. */
  of?: unknown
  children: ReactNode
}

/** Shows an error in the place of what could not be rendered; without it the whole page would go blank. */
export class ErrorBoundary extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null }

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  override componentDidUpdate(previous: Props) {
    if (previous.of !== this.props.of && this.state.error !== null) this.setState({ error: null })
  }

  override render() {
    const { error } = this.state
    if (error === null) return this.props.children
    return (
      <p className="problem" role="alert">
        {this.props.what} cannot be shown: {error.message}
      </p>
    )
  }
}
